package providers

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
)

// A sockets is a private folder for the sockets of a provider. It is locked
// for as long as it is used, so that one whose runner was killed is told from
// one in use, and removed by the next.
type sockets struct {
	path string
	lock *os.File
}

// socketsPrefix is how no other temporary folder of ours begins: one that is
// still empty would be taken for left behind.
const socketsPrefix = "runner."

// newSockets makes a folder. Its path is short, because the path of a socket
// may not exceed about 104 bytes.
func newSockets() (*sockets, error) {
	const longest = 50
	bases := []string{os.Getenv("XDG_RUNTIME_DIR"), os.TempDir()}
	if runtime.GOOS != "windows" {
		bases = append(bases, "/tmp")
	}
	var last error
	for _, base := range bases {
		if base == "" || (len(base) > longest && runtime.GOOS != "windows") {
			continue
		}
		removeStale(base)
		dir, err := os.MkdirTemp(base, socketsPrefix)
		if err == nil {
			return &sockets{dir, lockFolder(dir)}, nil
		}
		last = err
	}
	if last == nil {
		last = fmt.Errorf("every candidate is longer than %d characters: %s", longest, filepath.Join(bases...))
	}
	return nil, fmt.Errorf("make a folder for provider sockets: %w; set TMPDIR to a short, writable folder", last)
}

func (s *sockets) remove() {
	if s == nil {
		return
	}
	os.RemoveAll(s.path)
	if s.lock != nil {
		s.lock.Close()
	}
}
