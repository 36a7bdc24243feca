package secret_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"filippo.io/age"

	"github.com/bulkrunner/runner/internal/secret"
)

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func key(t *testing.T, text string) *secret.Key {
	t.Helper()
	k, err := secret.ReadKey(write(t, text, 0o600))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestFingerprint(t *testing.T) {
	t.Parallel()
	a, b := key(t, strings.Repeat("a", 32)), key(t, strings.Repeat("b", 32))
	seen := map[string]string{}
	for _, c := range []struct {
		key            *secret.Key
		op, item, args string
	}{
		{a, "op", "1", `{}`}, {b, "op", "1", `{}`}, {a, "o", "p1", `{}`}, {a, "op", "2", `{}`}, {a, "op", "1", `{"card":"4"}`},
	} {
		f := c.key.Fingerprint(c.op, c.item, []byte(c.args))
		if f != c.key.Fingerprint(c.op, c.item, []byte(c.args)) {
			t.Errorf("the fingerprint of %v changes", c)
		}
		if other, ok := seen[f]; ok {
			t.Errorf("%v has the fingerprint of %s", c, other)
		}
		seen[f] = fmt.Sprint(c)
	}
	if a.Name() == b.Name() {
		t.Error("two keys have one name")
	}
	if key(t, strings.Repeat("a", 32)+"\n").Name() != a.Name() {
		t.Error("a last line's end makes another key")
	}
	if out := fmt.Sprintf("%v %+v %s %x %#v", a, a, a, a, a); strings.Contains(out, "aaaa") || strings.Contains(out, "6161") {
		t.Errorf("the key is printed: %s", out)
	}
}

func TestKeyIsRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path string
		want string
	}{
		"short":  {write(t, strings.Repeat("a", 31)+"\n", 0o600), "at least 32"},
		"long":   {write(t, strings.Repeat("a", 5000), 0o600), "more than 4096"},
		"shared": {write(t, strings.Repeat("a", 32), 0o644), "chmod 600"},
		"folder": {t.TempDir(), "not a file"},
		"absent": {filepath.Join(t.TempDir(), "none"), "there is no file"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if name == "shared" && runtime.GOOS == "windows" {
				t.Skip("Windows has no such modes")
			}
			_, err := secret.ReadKey(c.path)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("it says %v, not %q", err, c.want)
			}
		})
	}
}

func TestBox(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	to, err := secret.Recipients([]string{id.Recipient().String()})
	if err != nil {
		t.Fatal(err)
	}
	box, sealed, err := secret.NewBox(to)
	if err != nil {
		t.Fatal(err)
	}
	plain := []byte(`{"token":"s3cr3t"}`)
	text := box.Seal("op", "A-1", plain)
	if text == box.Seal("op", "A-1", plain) {
		t.Error("the same twice is sealed alike, which tells that it is the same")
	}

	ids, err := secret.ReadIdentities(write(t, "# created: today\n"+id.String()+"\n", 0o600))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := secret.OpenBox(sealed, ids)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := opened.Open("op", "A-1", text); err != nil || !bytes.Equal(got, plain) {
		t.Errorf("opened is %s, %v", got, err)
	}
	if _, err := opened.Open("op", "A-2", text); err == nil {
		t.Error("it opens for another item")
	}
	for i := range text {
		if damaged := text[:i] + "!" + text[i+1:]; damaged != text {
			if _, err := opened.Open("op", "A-1", damaged); err == nil {
				t.Errorf("it opens with a wrong character at %d", i)
			}
		}
	}
	if _, err := secret.OpenBox(sealed, []age.Identity{other}); !errors.Is(err, secret.ErrOtherKey) {
		t.Errorf("another identity gives %v", err)
	}
	if _, err := secret.OpenBox(sealed[:len(sealed)/2], ids); err == nil || errors.Is(err, secret.ErrOtherKey) {
		t.Errorf("half of it gives %v", err)
	}
}

// A private key given where a public one, or another file, was wanted is not
// repeated in what is said of it.
func TestPrivateKeyIsNotRepeated(t *testing.T) {
	t.Parallel()
	id, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	_, err = secret.Recipients([]string{id.String()})
	if err == nil || strings.Contains(err.Error(), id.String()[15:]) {
		t.Errorf("it says %v", err)
	}
	_, err = secret.ReadIdentities(write(t, id.String()+"x\n", 0o600))
	if err == nil || strings.Contains(err.Error(), id.String()[15:]) {
		t.Errorf("it says %v", err)
	}
}
