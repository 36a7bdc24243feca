package eval

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"

	"github.com/zclconf/go-cty/cty/function"
)

// hashFunc makes a function that gives a text's digest, written by encode. MD5
// and SHA-1 protect nothing any more; they are here because APIs sign with
// them.
func hashFunc(sum func([]byte) []byte, encode func([]byte) string) function.Function {
	return textFunc(func(s string) (string, error) { return encode(sum([]byte(s))), nil })
}

var (
	md5Func          = hashFunc(func(b []byte) []byte { d := md5.Sum(b); return d[:] }, hex.EncodeToString)
	sha1Func         = hashFunc(func(b []byte) []byte { d := sha1.Sum(b); return d[:] }, hex.EncodeToString)
	sha256Func       = hashFunc(sumSHA256, hex.EncodeToString)
	sha512Func       = hashFunc(sumSHA512, hex.EncodeToString)
	base64SHA256Func = hashFunc(sumSHA256, base64.StdEncoding.EncodeToString)
	base64SHA512Func = hashFunc(sumSHA512, base64.StdEncoding.EncodeToString)
)

func sumSHA256(b []byte) []byte { d := sha256.Sum256(b); return d[:] }
func sumSHA512(b []byte) []byte { d := sha512.Sum512(b); return d[:] }
