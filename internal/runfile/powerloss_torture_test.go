//go:build linux && torture

package runfile

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
)

// An operation on a file as strace saw it.
type fileCall struct {
	call string // pwrite64, ftruncate, unlink, sync, syncfolder or ack
	name string // the file's, within its folder; of an ack what was acknowledged
	at   int64
	data []byte
}

// B1: the machine loses power at any moment: what was written and not synced
// is on the disk in part, torn, or not at all. Whatever was acknowledged is
// there, and the file is whole.
func TestB1PowerLoss(t *testing.T) {
	t.Parallel()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("there is no strace here, so nothing was tested")
	}
	path := planned(t, 40)
	first, err := os.ReadFile(path)
	must(t, err)
	log := filepath.Join(t.TempDir(), "log")
	c := as("apply", path)
	c.Args = append([]string{strace, "-f", "-y", "-xx", "-s", "1000000", "-o", log, "-e", "trace=fsync,fdatasync,pwrite64,ftruncate,unlink,unlinkat,write"}, c.Args...)
	c.Path = strace
	must(t, c.Run())
	calls := readTrace(t, log, path)

	const imagesAtEach = 12
	random := rand.New(rand.NewPCG(1, 2))
	images := 0
	for n := range calls {
		if calls[n].call != "sync" && calls[n].call != "ack" && calls[n].call != "unlink" {
			continue
		}
		for range imagesAtEach {
			images++
			dir := t.TempDir()
			acked := lay(t, dir, filepath.Base(path), first, calls[:n+1], random)
			name := filepath.Join(dir, filepath.Base(path))
			recovered, err := connect(name, sqlite.OpenReadWrite) // as an apply would; a reader may not
			must(t, err)
			_, err = recovered.pragma("journal_mode")
			must(t, err)
			must(t, recovered.Close())
			if got := integrity(t, name); got != "ok" {
				t.Fatalf("image %d, after call %d: %s", images, n, got)
			}
			f := open(t, name)
			there := map[string]bool{}
			for id := int64(1); id <= 40; id++ {
				edges, err := f.Transitions(id)
				must(t, err)
				for _, e := range edges {
					there[fmt.Sprint(id, " ", e.To)] = true
				}
			}
			must(t, f.Close())
			for _, line := range acked {
				if !there[line] {
					t.Fatalf("image %d, after call %d: %q was acknowledged and is gone", images, n, line)
				}
			}
			must(t, os.RemoveAll(dir))
		}
	}
	t.Logf("%d images of a disk that lost power, from %d calls", images, len(calls))
	if images < 1000 {
		t.Error("too few for this to mean anything")
	}
}

// readTrace reads what strace wrote. Calls of several threads are in the order
// of their beginning, and the journal makes one at a time.
func readTrace(t *testing.T, log, path string) (calls []fileCall) {
	t.Helper()
	b, err := os.ReadFile(log)
	must(t, err)
	begun := regexp.MustCompile(`^\d+ +(\w+)\((?:(\d+)<([^>]*)>)?(.*)$`)
	quoted := regexp.MustCompile(`"((?:\\x[0-9a-f]{2})*)"(?:, (\d+), (\d+))?`)
	folder := filepath.Dir(path)
	plain := func(s string) []byte {
		raw, err := hex.DecodeString(strings.ReplaceAll(s, `\x`, ""))
		must(t, err)
		return raw
	}
	for line := range strings.Lines(string(b)) {
		m := begun.FindStringSubmatch(strings.TrimSpace(line))
		if m == nil {
			continue
		}
		file := m[3]
		if strings.HasPrefix(file, `\x`) {
			file = string(plain(file))
		}
		name, inside := strings.CutPrefix(file, folder+"/")
		call := fileCall{call: m[1], name: name}
		q := quoted.FindStringSubmatch(m[4])
		switch m[1] {
		case "pwrite64":
			if !inside || q == nil {
				continue
			}
			call.data = plain(q[1])
			call.at, _ = strconv.ParseInt(q[3], 10, 64)
		case "ftruncate":
			if !inside {
				continue
			}
			size := regexp.MustCompile(`\d+`).FindString(m[4])
			call.at, _ = strconv.ParseInt(size, 10, 64)
		case "unlink", "unlinkat":
			if q == nil {
				continue
			}
			if call.name, inside = strings.CutPrefix(string(plain(q[1])), folder+"/"); !inside {
				continue
			}
			call.call = "unlink"
		case "fsync", "fdatasync":
			switch {
			case file == folder:
				call.call = "syncfolder"
			case inside:
				call.call = "sync"
			default:
				continue
			}
		case "write":
			if m[2] != "1" || q == nil {
				continue
			}
			call.call, call.name = "ack", strings.TrimSpace(string(plain(q[1])))
		default:
			continue
		}
		calls = append(calls, call)
	}
	return calls
}

// lay writes the files as a disk may hold them after the calls, and returns
// what had been acknowledged.
func lay(t *testing.T, dir, base string, first []byte, calls []fileCall, random *rand.Rand) (acked []string) {
	t.Helper()
	files := map[string][]byte{base: bytes.Clone(first)}
	synced := map[string]int{} // the last sync of each file
	folder := -1
	for n, c := range calls {
		switch c.call {
		case "sync":
			synced[c.name] = n
		case "syncfolder":
			folder = n
		}
	}
	const sector = 512
	for n, c := range calls {
		last, ok := synced[c.name]
		certain := ok && n <= last
		switch c.call {
		case "ack":
			acked = append(acked, c.name)
		case "unlink":
			if n <= folder || random.IntN(2) == 0 {
				delete(files, c.name)
			}
		case "ftruncate":
			if b := files[c.name]; (certain || random.IntN(2) == 0) && int64(len(b)) > c.at {
				files[c.name] = b[:c.at]
			}
		case "pwrite64":
			if !strings.HasPrefix(c.name, base) || strings.HasSuffix(c.name, "-shm") {
				continue
			}
			whole := certain || random.IntN(3) == 0
			torn := !whole && random.IntN(2) == 0
			b := files[c.name]
			for from := 0; from < len(c.data); from += sector {
				to := min(from+sector, len(c.data))
				if !whole && !(torn && random.IntN(2) == 0) {
					continue
				}
				if end := int(c.at) + to; end > len(b) {
					b = append(b, make([]byte, end-len(b))...)
				}
				copy(b[int(c.at)+from:], c.data[from:to])
			}
			files[c.name] = b
		}
	}
	for name, b := range files {
		if b != nil && !strings.HasSuffix(name, ".lock") && !strings.HasSuffix(name, ".ballast") {
			must(t, os.WriteFile(filepath.Join(dir, name), b, 0o600))
		}
	}
	return acked
}
