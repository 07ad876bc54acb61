package grade

import (
	"path"
	"slices"
	"strings"

	"github.com/ingot-grading/ingot/oci"
)

// guestDir is where containers of images without INGInious' programs find ours.
const guestDir = "/.ingot"

// defaultPath is where programs are looked for in an image that does not say.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// process is what a container of the environment is to run: args, or the
// image's own command for none. An image without INGInious' programs runs ours
// instead of its entrypoint, as root, with our commands first on PATH.
func (e *environment) process(args []string) ([]string, oci.Image) {
	c := e.image.Config
	img := oci.Image{Env: c.Env, Entrypoint: c.Entrypoint, Cmd: c.Cmd, WorkingDir: c.WorkingDir, User: c.User}
	if !e.injected {
		return args, img
	}
	if len(args) == 0 {
		args = []string{"INGInious"}
	}
	args = slices.Clone(args)
	args[0] = path.Join(guestDir, args[0])
	img.Entrypoint, img.Cmd, img.User = nil, nil, ""
	img.Env = slices.Clone(img.Env)
	i := slices.IndexFunc(img.Env, func(kv string) bool { return strings.HasPrefix(kv, "PATH=") })
	if i < 0 {
		i, img.Env = len(img.Env), append(img.Env, defaultPath)
	}
	img.Env[i] = "PATH=" + guestDir + ":" + strings.TrimPrefix(img.Env[i], "PATH=")
	return args, img
}
