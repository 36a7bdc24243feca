package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/base64"
	"net/http"
	"sync"

	"github.com/bulkrunner/runner/sdk/simulator"
)

// notify tells the merchant what became of a charge: that it is paid, denied
// or expired, and where that is switched on, deleted. Nobody documents that
// more is told. The lock is held.
//
// A notification looks like the answer to a new charge and is signed. Alignet
// gives merchants the key to hold the signature against by other means; the
// simulation sends its own along.
func (s *simulation) notify(c *simulatedCharge, f *simulator.Fate) {
	switch c.state {
	case stateAuthorised, stateDenied, stateExpired:
	case stateCancelled, stateReversed:
		if notifyDeleted.In(f) == no {
			return
		}
	default:
		return
	}
	if simulator.NotifyURL.In(f) == "" {
		return
	}
	key := signer()
	body := s.charged(f.Still(), c, nil).Body
	sum := sha512.Sum512(body)
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, sum[:])
	public, fault := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil || fault != nil {
		return // a sound key signs, and has a form
	}
	s.Notify(simulator.Notification{Thing: c.number, Body: body, Header: http.Header{
		"Signature":               {base64.StdEncoding.EncodeToString(signature)},
		"Simulator-Signature-Key": {base64.StdEncoding.EncodeToString(public)},
	}})
}

// signer is the key of all simulations of a process, made when it is needed.
var signer = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic("no key can be made: " + err.Error())
	}
	return key
})
