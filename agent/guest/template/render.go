package template

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/nikolalohinski/gonja/v2/config"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

var errNoLoader = errors.New("a template cannot use other templates")

// loader knows one template and no other.
type loader string

const self = "template"

func (l loader) Read(path string) (io.Reader, error) {
	if path != self {
		return nil, errNoLoader
	}
	return strings.NewReader(string(l)), nil
}

func (l loader) Resolve(path string) (string, error) { return path, nil }

func (l loader) Inherit(string) (loaders.Loader, error) { return l, nil }

// render renders a template with values by name. Line ends become newlines and
// one at the very end is removed, as Jinja does it.
func render(source string, values map[string]any) (out string, err error) {
	defer func() {
		if r := recover(); r != nil { // the engine panics on some wrong templates
			err = fmt.Errorf("render the template: %v", r)
		}
	}()
	source = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(source)
	source = strings.TrimSuffix(source, "\n")
	conf := config.New()
	conf.KeepTrailingNewline = true // removed above
	t, err := exec.NewTemplate(self, conf, loader(rewritePercent(source, conf)), environment())
	if err != nil {
		return "", fmt.Errorf("parse the template: %w", err)
	}
	if out, err = t.ExecuteToString(exec.NewContext(values)); err != nil {
		return "", fmt.Errorf("render the template: %w", err)
	}
	return out, nil
}
