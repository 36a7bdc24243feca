// Package secret keeps the secret arguments of items out of run files: a
// fingerprint under the user's key tells whether a list still says what the
// plan saw, and a box encrypts what must survive until apply to the recipients
// that the user names.
package secret

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// A Key makes fingerprints. A card number has so few possible values that a
// plain hash of it is as good as the number: only a key that lies elsewhere
// makes its fingerprint safe to store.
type Key struct{ bytes []byte }

const (
	leastKey = 32   // bytes of a key: those of the HMAC's hash
	mostFile = 4096 // bytes of a file of keys
)

// NewKey makes a key that only this process has.
func NewKey() *Key {
	k := &Key{make([]byte, leastKey)}
	rand.Read(k.bytes)
	return k
}

// ReadKey reads a key from a file that its owner alone may read.
func ReadKey(path string) (*Key, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	if b = bytes.TrimSpace(b); len(b) < leastKey {
		return nil, fmt.Errorf("%s holds %d bytes, and a key has at least %d", path, len(b), leastKey)
	}
	return &Key{b}, nil
}

// readPrivate reads a small file, and refuses one that others may read.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s: make one, or correct its name", path)
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a file but a folder, a pipe or a device: save the key in a file of its own", path)
	case info.Mode().Perm()&others != 0:
		return nil, fmt.Errorf("%s may be read by others than its owner: chmod 600 %s", path, path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, mostFile+1))
	if err == nil && len(b) > mostFile {
		err = fmt.Errorf("%s has more than %d bytes and is no file of a key", path, mostFile)
	}
	return b, err
}

// Name tells keys apart and says nothing about them.
func (k *Key) Name() string { return k.sum("name")[:16] }

// Fingerprint is that of an item's secret arguments, a JSON object. It binds
// them to their item, so that two items with the same card have two
// fingerprints.
func (k *Key) Fingerprint(operation, item string, arguments []byte) string {
	return k.sum("arguments", operation, item, string(arguments))
}

// sum is hex of the HMAC-SHA-256 over texts, each with its length before it.
func (k *Key) sum(texts ...string) string {
	h := hmac.New(sha256.New, k.bytes)
	for _, t := range texts {
		fmt.Fprintf(h, "%d:%s", len(t), t)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func (k *Key) Format(f fmt.State, _ rune) { io.WriteString(f, "(key)") }

// ErrOtherKey means that a key, or an identity, is not the one that is needed.
var ErrOtherKey = errors.New("it is another key")
