package mcq

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"golang.org/x/sys/unix"
)

// tasks knows the tasks directory. Where a task's catalogue is it looks up anew
// when that was last done more than freshness ago; the content it reads when the
// file is another. It may be used by many jobs at once.
type tasks struct {
	root    string // ends with a slash
	fresh   time.Duration
	metrics *metrics
	log     *slog.Logger

	mu     sync.RWMutex
	places map[task]place
	kept   map[string]kept // by path
	cost   int             // of all in kept
	limit  int             // of cost
	loads  singleflight.Group
}

// freshness is how long a change in the tasks directory may go unnoticed. The
// lookup takes several system calls, as long as grading a job.
const freshness = time.Second

// task is a task in a language.
type task struct{ course, id, lang string }

// place is what was last found of a task.
type place struct {
	catalogue string // path; "" for none
	until     time.Time
}

// maxPlaces bounds the places that are remembered: students choose languages.
const maxPlaces = 4096

// texts returns the translations of a task into lang, nil for none. The errors
// are those of find.
func (t *tasks) texts(course, id string, lang []byte) (*catalogue, error) {
	if !allowedLang(lang) {
		lang = nil
	}
	now := time.Now()
	t.mu.RLock()
	p, known := t.places[task{course, id, string(lang)}]
	k, have := t.kept[p.catalogue]
	t.mu.RUnlock()
	if known && now.Before(p.until) && (have || p.catalogue == "") {
		return k.texts, nil
	}
	dir, err := t.find(course, id)
	if err != nil {
		return nil, err
	}
	p = place{until: now.Add(t.fresh)}
	var st unix.Stat_t
	if len(lang) > 0 {
		p.catalogue = t.catalogue(course, dir, string(lang), &st)
	}
	t.remember(task{course, id, string(lang)}, p)
	if p.catalogue == "" {
		return nil, nil
	}
	return t.read(p.catalogue, identityOf(&st)), nil
}

func (t *tasks) remember(k task, p place) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.places) >= maxPlaces {
		clear(t.places)
	}
	t.places[k] = p
}

// kept is what a file was when it was read last.
type kept struct {
	file  identity
	texts *catalogue // nil if it could not be read
}

// identity tells one content of a file from another.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime unix.Timespec
}

func identityOf(st *unix.Stat_t) identity {
	return identity{st.Dev, st.Ino, st.Size, st.Mtim, st.Ctim}
}

// Errors of find. Each is a result of its own.
var (
	errBadPath = &fault{what: "the course id or the task id is not allowed as a path"}
	errNoTask  = errors.New("no such task directory")
)

// find returns the path of a task's directory, root included.
func (t *tasks) find(course, task string) (string, error) {
	if !allowedPath(course) || !allowedPath(task) {
		return "", errBadPath
	}
	dir := t.root + course + "/" + task
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return "", errNoTask
	}
	return dir, nil
}

// catalogue returns the path of a task's translations, with what is there in st,
// or "". They are in the first folder that exists, or nowhere (PROTOCOL.md 6.2).
// dir is from find, lang is allowed.
func (t *tasks) catalogue(course, dir, lang string, st *unix.Stat_t) string {
	common := t.root + course + "/$common"
	for _, above := range [...]string{dir, dir + "/student", common, common + "/student"} {
		folder := above + "/$i18n"
		if unix.Stat(folder, st) != nil {
			continue
		}
		path := folder + "/" + lang + ".mo"
		if unix.Stat(path, st) != nil {
			return ""
		}
		return path
	}
	return ""
}

// read returns the catalogue at path, which was seen as now.
func (t *tasks) read(path string, now identity) *catalogue {
	t.mu.RLock()
	k, ok := t.kept[path]
	t.mu.RUnlock()
	if ok && k.file == now {
		return k.texts
	}
	texts, _, _ := t.loads.Do(path, func() (any, error) {
		texts, was, err := t.load(path)
		if err != nil {
			if !passing(err) {
				was = now // do not try again before it changes
			}
			t.log.Warn("cannot use a catalogue", "path", path, "err", err)
		}
		t.metrics.catalogue(err)
		t.keep(path, kept{was, texts})
		return texts, nil
	})
	return texts.(*catalogue)
}

// passing tells whether err is not the file's: a lack of file descriptors, say,
// ends while the file stays as it is.
func passing(err error) bool {
	errno, ok := errors.AsType[unix.Errno](err)
	return ok && errno.Temporary()
}

// keep puts k into the cache, in place of others if there is no room.
func (t *tasks) keep(path string, k kept) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cost += k.cost(path) - t.kept[path].cost(path)
	t.kept[path] = k
	for other, old := range t.kept {
		if t.cost <= t.limit {
			break
		}
		t.cost -= old.cost(other)
		delete(t.kept, other)
	}
}

// cost is about how many bytes k takes under path.
func (k kept) cost(path string) int {
	switch {
	case k == kept{}:
		return 0 // not in the cache
	case k.texts == nil:
		return len(path) + 256
	}
	return len(path) + 256 + k.texts.cost
}

// load reads a catalogue and says what file it was. It goes through an os.Root:
// links may not lead out of the tasks directory.
func (t *tasks) load(path string) (*catalogue, identity, error) {
	root, err := os.OpenRoot(t.root)
	if err != nil {
		return nil, identity{}, fmt.Errorf("open tasks directory: %w", err)
	}
	defer root.Close()
	f, err := root.OpenFile(strings.TrimPrefix(path, t.root), os.O_RDONLY|unix.O_NONBLOCK, 0) // lest a FIFO block
	if err != nil {
		return nil, identity{}, fmt.Errorf("open catalogue: %w", err)
	}
	defer f.Close()
	var st unix.Stat_t
	if err := unix.Fstat(int(f.Fd()), &st); err != nil {
		return nil, identity{}, fmt.Errorf("stat catalogue: %w", err)
	}
	if st.Mode&unix.S_IFMT != unix.S_IFREG || st.Size > maxCatalogue {
		return nil, identity{}, fmt.Errorf("catalogue: not a file of at most %d bytes", maxCatalogue)
	}
	content, err := io.ReadAll(io.LimitReader(f, maxCatalogue))
	if err != nil {
		return nil, identity{}, fmt.Errorf("read catalogue: %w", err)
	}
	texts, err := readCatalogue(content)
	return texts, identityOf(&st), err
}
