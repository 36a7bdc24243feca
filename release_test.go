package runner_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

// A release is what .goreleaser.yaml says of one, as far as the tree can be
// asked about it.
type release struct {
	Version int
	Before  struct{ Hooks []string }
	Builds  []struct {
		ID, Main, Binary, LDFlags string
		Env, Flags, GOOS, GOArch  []string
	}
	Archives []struct {
		IDs   []string
		Files []struct{ Src, Dst string }
	}
	Checksum struct{ Algorithm string }
	SBOMs    []struct{ Artifacts string }
	Images   []struct {
		IDs, Platforms []string
		Dockerfile     string
	} `yaml:"dockers_v2"`
}

func readRelease(t *testing.T) (r release) {
	t.Helper()
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	if r.Version != 2 || len(r.Builds) == 0 || len(r.Archives) != 1 || len(r.Images) != 1 {
		t.Fatalf(".goreleaser.yaml is not what this test reads: version %d, %d builds, %d archives, %d images", r.Version, len(r.Builds), len(r.Archives), len(r.Images))
	}
	return r
}

// TestReleaseIsGoreleasers holds .goreleaser.yaml against the schema of
// goreleaser, which refuses names that it doesn't know.
func TestReleaseIsGoreleasers(t *testing.T) {
	t.Parallel()
	schema, err := jsonschema.NewCompiler().Compile("testdata/goreleaser.json")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(".goreleaser.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct {
		from, to string
		valid    bool
	}{
		{"version: 2\n", "version: 2\n", true},
		{"    ldflags: *ldflags\n", "    ldflag: *ldflags\n", false},
		{"wrap_in_directory:", "wrap_in_folder:", false},
		{"    images: [ghcr.io/bulkrunner/runner]", "    images: {ghcr.io/bulkrunner/runner: true}", false},
	} {
		changed := strings.ReplaceAll(string(text), change.from, change.to)
		if changed == string(text) && !change.valid {
			t.Fatalf("%q isn't in .goreleaser.yaml", change.from)
		}
		var doc any
		if err := yaml.Unmarshal([]byte(changed), &doc); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(doc); (err == nil) != change.valid {
			t.Errorf("with %q for %q: %v", change.to, change.from, err)
		}
	}
}

// TestReleaseBuildsEverything holds the programs of a release against those of
// the tree: the runner and every provider, each for all platforms, and each in
// the archives and in the image.
func TestReleaseBuildsEverything(t *testing.T) {
	t.Parallel()
	want := map[string]string{"./cmd/runner": "runner"}
	mains, err := filepath.Glob("plugins/*/main.go")
	if err != nil || len(mains) < 3 {
		t.Fatalf("plugins: %v, %v", mains, err)
	}
	for _, main := range mains {
		name := filepath.Base(filepath.Dir(main))
		want["./plugins/"+name] = "runner-provider-" + name
	}
	r := readRelease(t)
	got := map[string]string{}
	var ids []string
	for _, b := range r.Builds {
		got[b.Main] = b.Binary
		ids = append(ids, b.ID)
		for name, lists := range map[string][2][]string{
			"goos":   {{"linux", "darwin", "windows"}, b.GOOS},
			"goarch": {{"amd64", "arm64"}, b.GOArch},
			"env":    {{"CGO_ENABLED=0"}, b.Env},
			"flags":  {{"-trimpath", "-buildvcs=false"}, b.Flags},
		} {
			if d := cmp.Diff(lists[0], lists[1]); d != "" {
				t.Errorf("build %s: %s:\n%s", b.ID, name, d)
			}
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("programs of the tree (-) and of .goreleaser.yaml (+):\n%s", d)
	}
	if packed := r.Archives[0].IDs; packed != nil {
		t.Errorf("the archives have the builds %v; saying nothing they have all", packed)
	}
	if d := cmp.Diff(ids, r.Images[0].IDs); d != "" {
		t.Errorf("builds (-) and those of the image (+):\n%s", d)
	}
	if d := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, r.Images[0].Platforms); d != "" {
		t.Errorf("platforms of the image:\n%s", d)
	}
	if r.Checksum.Algorithm != "sha256" || len(r.SBOMs) != 1 || r.SBOMs[0].Artifacts != "archive" {
		t.Errorf("checksum %+v, sboms %+v: want sha256, and one for each archive", r.Checksum, r.SBOMs)
	}
}

// TestReleaseStampsVersions holds the variables that a release writes its
// version into against the sources: the linker passes over a name that nobody
// has. Built from source all programs say the same version, which is the next
// release's.
func TestReleaseStampsVersions(t *testing.T) {
	t.Parallel()
	stamp := regexp.MustCompile(`-X (\S+)\.(\w+)=\{\{ \.Version \}\}`)
	versions := map[string]bool{}
	for _, b := range readRelease(t).Builds {
		m := stamp.FindStringSubmatch(b.LDFlags)
		if m == nil {
			t.Errorf("build %s: ldflags %q stamp no version", b.ID, b.LDFlags)
			continue
		}
		folder := strings.TrimPrefix(m[1], module+"/")
		if m[1] == "main" {
			folder = b.Main
		}
		value := stringVariable(t, folder, m[2])
		if value == "" {
			t.Errorf("build %s stamps %s.%s, and %s has no such variable with a literal string", b.ID, m[1], m[2], folder)
		}
		versions[value] = true
	}
	if len(versions) != 1 {
		t.Errorf("the sources say more than one version: %v", versions)
	}
}

// stringVariable is the value that a package's variable begins with: the
// linker sets only one that is a string, and a literal or nothing.
func stringVariable(t *testing.T, folder, name string) (value string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range parsed.Decls {
			group, ok := decl.(*ast.GenDecl)
			if !ok || group.Tok != token.VAR {
				continue
			}
			for _, s := range group.Specs {
				spec := s.(*ast.ValueSpec)
				if len(spec.Names) != 1 || spec.Names[0].Name != name || len(spec.Values) != 1 {
					continue
				}
				if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
					value, _ = strconv.Unquote(literal.Value)
				}
			}
		}
	}
	return value
}

// TestReleasePacksWhatIsThere holds the files of an archive against the tree,
// and what is made for it against the target of the Makefile that makes it.
func TestReleasePacksWhatIsThere(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("there is no make here")
	}
	r := readRelease(t)
	made := t.TempDir()
	for _, target := range []string{"manual", "notices"} {
		if !slices.Contains(r.Before.Hooks, "make "+target) {
			t.Fatalf("before a release runs %v, and not make %s", r.Before.Hooks, target)
		}
		if out, err := exec.Command("make", target, "BUILD="+made).CombinedOutput(); err != nil {
			t.Fatalf("make %s: %v\n%s", target, err, out)
		}
	}
	packed := map[string]int{}
	for _, f := range r.Archives[0].Files {
		pattern := strings.ReplaceAll(f.Src, "**/", "*/")
		if rest, ok := strings.CutPrefix(pattern, "build/"); ok {
			pattern = filepath.Join(made, rest)
		}
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Errorf("the archives have %s, and there is no such file (%v)", f.Src, err)
		}
		packed[f.Dst] += len(found)
	}
	notices, err := os.ReadFile(filepath.Join(made, "THIRD-PARTY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	// One that every program has, one of Windows alone, and the toolchain.
	for _, part := range []string{"hashicorp/go-plugin ", "inconshreveable/mousetrap ", "Go go"} {
		if !regexp.MustCompile(`(?m)^==== \S*` + part + `.*\n\n(?:.+\n)`).Match(notices) {
			t.Errorf("THIRD-PARTY.txt has no licence of %s", part)
		}
	}
	if packed["share/man/man1"] < 20 || packed["share/completions"] != 4 {
		t.Errorf("the archives have %d manual pages and %d completions", packed["share/man/man1"], packed["share/completions"])
	}
}

// TestReleaseImage holds the Dockerfile to what is promised of the image: there
// is nothing in it but the programs, and it isn't root who runs them.
func TestReleaseImage(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(readRelease(t).Images[0].Dockerfile)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		word, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if word != "" && word != "#" {
			got[word] = append(got[word], rest)
		}
	}
	if from := got["FROM"]; len(from) != 1 || !regexp.MustCompile(`/distroless/static-debian\d+:nonroot$`).MatchString(from[0]) {
		t.Errorf("it is built from %q: want a static image of distroless, of which nobody is root", from)
	}
	if d := cmp.Diff([]string{"$TARGETPLATFORM/ /usr/local/bin/"}, got["COPY"]); d != "" {
		t.Errorf("what is copied:\n%s", d)
	}
	if d := cmp.Diff([]string{`["/usr/local/bin/runner"]`}, got["ENTRYPOINT"]); d != "" {
		t.Errorf("what is run:\n%s", d)
	}
	install, err := os.ReadFile("docs/install.md")
	if err != nil {
		t.Fatal(err)
	}
	mounts := regexp.MustCompile(`-v "\$PWD:(\S+)"`).FindAllStringSubmatch(string(install), -1)
	if len(mounts) == 0 || len(got["WORKDIR"]) != 1 || !strings.HasPrefix(got["ENV"][0], "XDG_STATE_HOME="+got["WORKDIR"][0]+"/") {
		t.Fatalf("it works in %q with %q, and docs/install.md mounts %q", got["WORKDIR"], got["ENV"], mounts)
	}
	for _, m := range mounts {
		if m[1] != got["WORKDIR"][0] {
			t.Errorf("docs/install.md mounts %s, and it works in %s", m[1], got["WORKDIR"][0])
		}
	}
	for _, word := range []string{"USER", "RUN", "ADD"} {
		if got[word] != nil {
			t.Errorf("%s %s: nothing is to be added, and nobody else to run it", word, got[word])
		}
	}
}
