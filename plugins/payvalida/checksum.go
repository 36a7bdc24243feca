package main

import "crypto/sha512"

// checksum proves a request: SHA-512 over the plain concatenation of its
// fields, the FIXED_HASH last, as 128 hexadecimal digits.
//
// The digits are upper-case, as in every sample of Payvalida's reference.
// Whether lower case would do isn't documented. The fields must be the very
// strings that are sent: "45000" and "45000.0" have different checksums.
//
// A checksum carries no time and no nonce, and reading and deleting an order
// share one, so whoever has seen the URL of a read can delete the order for as
// long as it is pending. Neither it nor a URL belongs in a message.
func checksum(fields ...string) string {
	plain := make([]byte, 0, 256)
	for _, f := range fields {
		plain = append(plain, f...)
	}
	sum := sha512.Sum512(plain)

	const digits = "0123456789ABCDEF"
	var text [2 * sha512.Size]byte
	for i, b := range sum {
		text[2*i] = digits[b>>4]
		text[2*i+1] = digits[b&15]
	}
	return string(text[:])
}

// orderChecksum proves a read or a deletion of an order.
func orderChecksum(order, merchant, fixedHash string) string {
	return checksum(order, merchant, fixedHash)
}

// termsChecksum proves a registration or an update of an order.
func termsChecksum(t orderRequest, fixedHash string) string {
	return checksum(t.Email, t.Country.String(), t.Order, t.Money, t.Amount, fixedHash)
}
