package vm

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestHashIsOverAllThatMakesAnImage(t *testing.T) {
	base := newRecipe(source{uri: "http://m.example/debian"})
	seen := map[string]string{base.hash(): "the base"}
	for name, change := range map[string]func(*recipe){
		"mirror":     func(r *recipe) { r.mirror += "x" },
		"provision":  func(r *recipe) { r.provision += "\n" },
		"guest":      func(r *recipe) { r.guest += "\n" },
		"disk":       func(r *recipe) { r.diskMiB++ },
		"mkfs":       func(r *recipe) { r.mkfs = append(slices.Clone(r.mkfs), "-v") },
		"dpkg":       func(r *recipe) { r.dpkg = append(slices.Clone(r.dpkg), "x") },
		"moved text": func(r *recipe) { r.guest, r.provision = r.provision, r.guest },
	} {
		r := base
		change(&r)
		if same, ok := seen[r.hash()]; ok {
			t.Errorf("a change of %s gives the hash of %s", name, same)
		}
		seen[r.hash()] = name
	}
	if again := newRecipe(source{uri: "http://m.example/debian", signedBy: "/k"}); again.hash() != base.hash() {
		t.Error("the same recipe has two hashes")
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestPublishIsWholeOrNothing(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "images", "x")
	boom := errors.New("boom")
	write(t, filepath.Join(dir+".part", "left-over"), "of a killed build")
	err := publish(dir, func(tmp string) error {
		if _, err := os.Stat(filepath.Join(tmp, "left-over")); err == nil {
			t.Error("an unfinished directory was built upon")
		}
		write(t, filepath.Join(tmp, diskName), "half a")
		return boom
	})
	if !errors.Is(err, boom) {
		t.Fatalf("error %v, want that of the build", err)
	}
	if left, _ := filepath.Glob(dir + "*"); len(left) > 0 {
		t.Fatalf("a failed build left %q", left)
	}
	if err := checkSeal(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no image: error %v", err)
	}
	for _, disk := range []string{"first", "second, in its place"} {
		if err := publish(dir, func(tmp string) error { write(t, filepath.Join(tmp, diskName), disk); return nil }); err != nil {
			t.Fatal(err)
		}
		if got, _ := os.ReadFile(filepath.Join(dir, diskName)); string(got) != disk {
			t.Errorf("published %q, want %q", got, disk)
		}
		if err := checkSeal(dir); err != nil {
			t.Errorf("a fresh image: %v", err)
		}
	}
}

func TestBrokenImageIsNamed(t *testing.T) {
	cache := t.TempDir()
	r := newRecipe(source{uri: "http://m.example/debian"})
	dir := filepath.Join(cache, "images", r.hash())
	if err := publish(dir, func(tmp string) error { write(t, filepath.Join(tmp, diskName), "a disk"); return nil }); err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	if _, err := ensureImage(t.Context(), cache, r, false, log); err != nil {
		t.Fatalf("a whole image: %v", err)
	}
	for name, damage := range map[string]func() error{
		"truncated":  func() error { return os.Truncate(filepath.Join(dir, diskName), 3) },
		"lost":       func() error { return os.Remove(filepath.Join(dir, diskName)) },
		"no seal":    func() error { return os.WriteFile(filepath.Join(dir, sealName), []byte("{"), 0o600) },
		"seal empty": func() error { return os.Truncate(filepath.Join(dir, sealName), 0) },
	} {
		if err := damage(); err != nil {
			t.Fatal(err)
		}
		if _, err := ensureImage(t.Context(), cache, r, false, log); !errors.Is(err, ErrBroken) {
			t.Errorf("%s: error %v, want ErrBroken", name, err)
		}
		if err := publish(dir, func(tmp string) error { write(t, filepath.Join(tmp, diskName), "a disk"); return nil }); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPruneKeepsTheLastUsed(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for i, name := range []string{"newest", "older", "oldest"} {
		write(t, filepath.Join(dir, name, "f"), "")
		at := now.Add(-time.Duration(i) * time.Hour)
		if err := os.Chtimes(filepath.Join(dir, name), at, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := prune(filepath.Join(dir, "*"), 2); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 2 || left[0].Name() != "newest" || left[1].Name() != "older" {
		t.Errorf("left %v, %v", left, err)
	}
}

func TestNoSpaceIsToldBeforeTheWork(t *testing.T) {
	if err := checkSpace(t.TempDir(), 1<<40); !errors.Is(err, ErrNoSpace) {
		t.Errorf("an exbibyte is free: %v", err)
	}
	if err := checkSpace(t.TempDir(), 0); err != nil {
		t.Errorf("nothing is needed: %v", err)
	}
}
