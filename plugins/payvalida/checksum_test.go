package main

import (
	"strings"
	"testing"
)

// The checksums were made by coreutils 9, and again by OpenSSL 3:
//
//	printf '%s' 'test11031kuantoFIXED-HASH' | sha512sum | tr a-f A-F
//	printf '%s' 'test11031kuantoFIXED-HASH' | openssl dgst -sha512 | tr a-f A-F
func TestChecksumKnownAnswers(t *testing.T) {
	t.Parallel()
	terms := func(amount string) orderRequest {
		return orderRequest{Email: "payer@example.com", Country: "343", Order: "A-1", Money: "COP", Amount: amount}
	}
	for name, c := range map[string]struct{ got, want string }{
		"reading and deleting": {
			orderChecksum("test11031", "kuanto", "FIXED-HASH"),
			"E52727088B901FA35740A175D4D1B8ECDAEBB00512260A2A43BD0140DA3B34FB521B6CF538B7B4A079D2C4E75AFF639D7910000799B7F31F99FB9871C1961CE9",
		},
		"the order is hashed as it is, not as the path has it": { // 'A/1 ñ%kuantoFIXED-HASH'
			orderChecksum("A/1 ñ%", "kuanto", "FIXED-HASH"),
			"A38DE35BEEBFA96A71481737B61BA98D4BB16DB193D208D9981A98DDD5B3135CEA0BF57EFC1276B5768890FB12D835917155283CD2FEE466242AA382B98D0D92",
		},
		"registering and updating": { // 'payer@example.com343A-1COP45000FIXED-HASH'
			termsChecksum(terms("45000"), "FIXED-HASH"),
			"8C7FE048111AD18C7E320F0A2AF6FE5E8298EBB6A7E6D79CEEBC07C9FFD171C4E10D59EF603C1E287D8E5606F429698B81F84B938CFA11762FFEE7AC574BF418",
		},
		"an amount is hashed as text": { // 'payer@example.com343A-1COP45000.0FIXED-HASH'
			termsChecksum(terms("45000.0"), "FIXED-HASH"),
			"4CB536A2E0C8BC54535DEE34B33D485756922C876191D95863A855844BC94A9E40E95159E1F1ECD70C5A494900B70A47EE6CBCE779C69BE311065094EDD3479A",
		},
	} {
		if c.got != c.want {
			t.Errorf("%s: got %s, want %s", name, c.got, c.want)
		}
	}
}

func TestChecksumLongFields(t *testing.T) {
	t.Parallel()
	order := strings.Repeat("9", 200)
	if a, b := orderChecksum(order, strings.Repeat("m", 50), strings.Repeat("h", 200)), orderChecksum(order, strings.Repeat("m", 50), strings.Repeat("h", 199)); a == b || len(a) != 128 {
		t.Errorf("two secrets give %s and %s", a, b)
	}
}
