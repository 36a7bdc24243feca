package secret

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// A Box encrypts and opens the sensitive arguments of one run's items, with
// AES-256-GCM under a key of the run's own. That key alone is encrypted with
// age: doing so for each item would cost 0.1 ms and 300 bytes an item.
type Box struct{ aead cipher.AEAD }

const boxKey = 32 // bytes

// NewBox makes a box, and its key as text that each of the recipients can open.
// Without recipients nobody can: the box is good for this process alone, and
// the text is "".
func NewBox(recipients []age.Recipient) (b *Box, sealed string, err error) {
	key := make([]byte, boxKey)
	rand.Read(key)
	if len(recipients) == 0 {
		b, err = newBox(key)
		return b, "", err
	}
	var out strings.Builder
	text := armor.NewWriter(&out)
	w, err := age.Encrypt(text, recipients...)
	if err == nil {
		_, err = w.Write(key)
	}
	if err == nil {
		err = w.Close()
	}
	if err == nil {
		err = text.Close()
	}
	if err != nil {
		return nil, "", fmt.Errorf("encrypt to the recipients: %w", err)
	}
	b, err = newBox(key)
	return b, out.String(), err
}

// OpenBox opens a box that NewBox made. It is ErrOtherKey if none of the
// identities is that of a recipient.
func OpenBox(sealed string, identities []age.Identity) (*Box, error) {
	r, err := age.Decrypt(armor.NewReader(strings.NewReader(sealed)), identities...)
	var none *age.NoIdentityMatchError
	if errors.As(err, &none) {
		return nil, ErrOtherKey
	}
	if err != nil {
		return nil, err
	}
	key, err := io.ReadAll(io.LimitReader(r, boxKey+1))
	if err != nil {
		return nil, err
	}
	return newBox(key)
}

func newBox(key []byte) (*Box, error) {
	if len(key) != boxKey {
		return nil, fmt.Errorf("the key of sensitive arguments has %d bytes, not %d", len(key), boxKey)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	return &Box{aead}, err
}

// Seal encrypts an item's sensitive arguments, so that they can be opened for
// this item alone.
func (b *Box) Seal(operation, item string, arguments []byte) string {
	return base64.StdEncoding.EncodeToString(b.aead.Seal(nil, nil, arguments, bound(operation, item)))
}

// Open is the inverse of Seal.
func (b *Box) Open(operation, item, sealed string) ([]byte, error) {
	text, err := base64.StdEncoding.DecodeString(sealed)
	if err != nil {
		return nil, errors.New("what is sealed is not whole")
	}
	plain, err := b.aead.Open(nil, nil, text, bound(operation, item))
	if err != nil {
		return nil, errors.New("what is sealed was not sealed for this item of this run")
	}
	return plain, nil
}

func bound(operation, item string) []byte {
	return fmt.Appendf(nil, "%d:%s%s", len(operation), operation, item)
}

// Recipients reads age's public keys, "age1…", one a text.
func Recipients(texts []string) (out []age.Recipient, err error) {
	for n, t := range texts {
		r, err := age.ParseRecipients(strings.NewReader(t))
		if err != nil || len(r) != 1 {
			// It isn't repeated: it may be the private key.
			return nil, fmt.Errorf("recipient %d is not a public key of age, which begins with age1", n+1)
		}
		out = append(out, r...)
	}
	return out, nil
}

// ReadIdentities reads age's private keys from a file that its owner alone may
// read.
func ReadIdentities(path string) ([]age.Identity, error) {
	b, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	ids, err := age.ParseIdentities(bytes.NewReader(b))
	if err != nil {
		// The library's error may quote the line.
		return nil, fmt.Errorf("%s is not a file of age's private keys, as age-keygen makes them", path)
	}
	return ids, nil
}
