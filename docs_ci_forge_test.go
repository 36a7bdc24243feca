package runner_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A forge is what the workflows of docs/ci.md know of GitHub and of GitLab:
// comments on one pull request, artifacts, a project's jobs and a release.
type forge struct {
	url string
	bin string // programs that stand before the real ones: gh, curl, apt-get

	mu        sync.Mutex
	comments  []forgeComment
	artifacts map[string]map[string][]byte // by run or job, and name
	jobs      []map[string]any             // of GitLab's pipeline
	reviewed  bool                         // the commit came with a pull request
	archive   []byte                       // of the release
	problems  []string
}

type forgeComment struct {
	ID   int
	By   string
	Body string
}

const (
	forgeToken   = "forge-t0ken"
	forgeVersion = "0.1.0"
	ourBot       = "github-actions[bot]"
)

func newForge(t *testing.T) *forge {
	t.Helper()
	for _, tool := range []string{"bash", "curl", "jq", "unzip", "tar", "sha256sum"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("skipped: the workflows need %s", tool)
		}
	}
	f := &forge{bin: t.TempDir(), artifacts: map[string]map[string][]byte{}, reviewed: true, archive: ciRelease(t)}
	// What others say with the same words is not ours.
	f.comments = []forgeComment{{1, "mallory", "<!-- runner plan: sha256:" + strings.Repeat("0", 64) + " -->"}, {2, ourBot, "another workflow's"}}
	server := httptest.NewServer(f)
	t.Cleanup(func() {
		server.Close()
		for _, p := range f.problems {
			t.Error(p)
		}
	})
	f.url = server.URL
	curl, _ := exec.LookPath("curl")
	for name, text := range map[string]string{
		"apt-get": "exit 0",
		"curl":    `exec ` + curl + ` "${@/#https:\/\/github.com\/bulkrunner\/runner/` + strings.ReplaceAll(f.url, "/", `\/`) + `}"`,
		"gh":      ghScript,
	} {
		if err := os.WriteFile(filepath.Join(f.bin, name), []byte("#!/usr/bin/env bash\nset -euo pipefail\n"+text+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// ghScript is of GitHub's program what the workflows use.
const ghScript = `call() { curl -fsSL --header "PRIVATE-TOKEN: $GH_TOKEN" "$@"; }
if [ "$1 $2 $4" = "run download --name" ]; then
  call --output .zip "$FORGE/repos/$GITHUB_REPOSITORY/actions/runs/$3/artifacts/$5"
  unzip -oq .zip
  rm .zip
  exit
fi
[ "$1" = api ]
shift
method=GET path= filter=. silent=false body=()
while [ $# -gt 0 ]; do
  case $1 in
  --paginate) ;;
  --silent) silent=true ;;
  --method) method=$2 && shift ;;
  --jq) filter=$2 && shift ;;
  --field) jq -Rs '{body: .}' <"${2#body=@}" >.body && body=(--data-binary @.body) && shift ;;
  -*) echo "unknown flag $1" >&2 && exit 1 ;;
  *) path=$1 ;;
  esac
  shift
done
answer=$(call --request "$method" "${body[@]}" "$FORGE/$path")
rm -f .body
$silent || jq -r "$filter" <<<"$answer"`

// ciRelease is the archive of a release, with the programs that were built.
func ciRelease(t *testing.T) []byte {
	t.Helper()
	// As .goreleaser.yaml names it, and what is in it.
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"name_template: runner_{{ .Version }}_{{ .Os }}_{{ .Arch }}\n", "wrap_in_directory: true\n", "name_template: runner_{{ .Version }}_checksums.txt\n"} {
		if !strings.Contains(string(text), want) {
			t.Errorf(".goreleaser.yaml doesn't say %q, which docs/ci.md goes by", want)
		}
	}
	bin := built(t)
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.NoCompression)
	w := tar.NewWriter(z)
	for _, name := range []string{"runner", "runner-provider-payvalida"} {
		content, err := os.ReadFile(filepath.Join(bin, name))
		if err != nil {
			t.Fatal(err)
		}
		w.WriteHeader(&tar.Header{Name: "runner_" + forgeVersion + "_linux_amd64/" + name, Mode: 0o755, Size: int64(len(content))})
		w.Write(content)
	}
	w.Close()
	z.Close()
	return b.Bytes()
}

func (f *forge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	is := func(method, pattern string) bool {
		want := strings.Split(pattern, "/")
		if r.Method != method || len(want) != len(path) {
			return false
		}
		for i := range want {
			if want[i] != "*" && want[i] != path[i] {
				return false
			}
		}
		return true
	}
	last := path[len(path)-1]
	file := "runner_" + forgeVersion + "_linux_amd64.tar.gz"
	switch {
	case is("GET", "releases/download/v"+forgeVersion+"/"+file):
		w.Write(f.archive)
		return
	case is("GET", "releases/download/v"+forgeVersion+"/runner_"+forgeVersion+"_checksums.txt"):
		fmt.Fprintf(w, "%x  another.tar.gz\n%x  %s\n", sha256.Sum256(nil), sha256.Sum256(f.archive), file)
		return
	}
	if r.Header.Get("PRIVATE-TOKEN") != forgeToken {
		f.problems = append(f.problems, fmt.Sprintf("%s %s came without its token", r.Method, r.URL))
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	switch {
	// GitHub
	case is("GET", "repos/shop/ops/issues/7/comments"):
		f.list(w, "user", "login")
	case is("POST", "repos/shop/ops/issues/7/comments"), is("PATCH", "repos/shop/ops/issues/comments/*"):
		var sent struct{ Body string }
		json.NewDecoder(r.Body).Decode(&sent)
		f.say(last, sent.Body)
		answer(w, map[string]any{})
	case is("GET", "repos/shop/ops/commits/*/pulls"):
		f.pulls(w, "number")
	case is("GET", "repos/shop/ops/actions/runs/*/artifacts"):
		names := []any{}
		for name := range f.artifacts[path[5]] {
			names = append(names, map[string]any{"name": name})
		}
		answer(w, map[string]any{"artifacts": names})
	case is("GET", "repos/shop/ops/actions/runs/*/artifacts/*"):
		f.download(w, path[5], last)
	// GitLab
	case is("GET", "user"):
		answer(w, map[string]any{"id": 42})
	case is("GET", "projects/9/merge_requests/7/notes"):
		f.list(w, "author", "id")
	case is("POST", "projects/9/merge_requests/7/notes"), is("PUT", "projects/9/merge_requests/7/notes/*"):
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.say(last, r.FormValue("body"))
		answer(w, map[string]any{})
	case is("GET", "projects/9/repository/commits/*/merge_requests"):
		f.pulls(w, "iid")
	case is("GET", "projects/9/pipelines/*/jobs"):
		answer(w, f.jobs)
	case is("GET", "projects/9/jobs/*/artifacts"):
		f.download(w, path[3], "archive")
	default:
		f.problems = append(f.problems, fmt.Sprintf("nothing answers to %s %s", r.Method, r.URL))
		http.NotFound(w, r)
	}
}

func answer(w http.ResponseWriter, v any) { json.NewEncoder(w).Encode(v) }

func (f *forge) list(w http.ResponseWriter, who, field string) {
	all := []any{}
	for _, c := range f.comments {
		by := any(c.By)
		if field == "id" {
			by = map[bool]int{true: 42, false: 666}[c.By == ourBot]
		}
		all = append(all, map[string]any{"id": c.ID, "body": c.Body, who: map[string]any{field: by}})
	}
	answer(w, all)
}

// say keeps a new comment, or another text of one that is there.
func (f *forge) say(id, body string) {
	if n, err := strconv.Atoi(id); err == nil {
		for i := range f.comments {
			if f.comments[i].ID == n && f.comments[i].By == ourBot {
				f.comments[i].Body = body
				return
			}
		}
		f.problems = append(f.problems, "it changes a comment that isn't its own: "+id)
		return
	}
	f.comments = append(f.comments, forgeComment{len(f.comments) + 1, ourBot, body})
}

func (f *forge) pulls(w http.ResponseWriter, number string) {
	all := []any{}
	if f.reviewed {
		all = append(all, map[string]any{number: 7})
	}
	answer(w, all)
}

func (f *forge) download(w http.ResponseWriter, of, name string) {
	if b, ok := f.artifacts[of][name]; ok {
		w.Write(b)
		return
	}
	http.Error(w, "there is no such artifact", http.StatusNotFound)
}

// upload keeps files of a folder, and tells whether there were any.
func (f *forge) upload(t *testing.T, of, name, folder string, patterns []string) bool {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	files := 0
	for _, p := range patterns {
		found, err := filepath.Glob(filepath.Join(folder, p))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			w, _ := z.Create(filepath.Base(path))
			w.Write(content)
			files++
		}
	}
	z.Close()
	if files == 0 {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.artifacts[of] == nil {
		f.artifacts[of] = map[string][]byte{}
	}
	f.artifacts[of][name] = b.Bytes()
	return true
}

// ours is the comment that the workflows wrote, of which there must be one.
func (f *forge) ours(t *testing.T) string {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.comments); n != 3 {
		t.Fatalf("there are %d comments, not 3: %v", n, f.comments)
	}
	return f.comments[2].Body
}
