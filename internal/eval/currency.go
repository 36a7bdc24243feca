package eval

import (
	"fmt"
	"strings"
)

// letters is a currency by its ISO 4217 letters. APIs say it by its number too:
// 604 is PEN.
func letters(code string) (string, fault) {
	if code == "" {
		return "", fault{"Missing currency", "The currency is blank. Write its three letters, such as COP."}
	}
	if isLetters(code) {
		return code, noFault
	}
	if l, ok := numericCurrencies[code]; ok {
		return l, noFault
	}
	why := ""
	if up := strings.ToUpper(code); isLetters(up) {
		why = fmt.Sprintf(" Did you mean %q?", up)
	}
	return "", fault{"Invalid currency", fmt.Sprintf("%s is not a currency: write its three ISO 4217 letters, such as COP.%s", quoted(code), why)}
}

func isLetters(code string) bool {
	if len(code) != 3 {
		return false
	}
	for i := range 3 {
		if code[i] < 'A' || code[i] > 'Z' {
			return false
		}
	}
	return true
}

// numericCurrencies are ISO 4217's numbers of the Americas' currencies and of
// those traded most.
var numericCurrencies = map[string]string{
	"032": "ARS", "036": "AUD", "044": "BSD", "052": "BBD", "060": "BMD", "068": "BOB", "084": "BZD", "124": "CAD",
	"136": "KYD", "152": "CLP", "156": "CNY", "170": "COP", "188": "CRC", "192": "CUP", "203": "CZK", "208": "DKK",
	"214": "DOP", "222": "SVC", "238": "FKP", "320": "GTQ", "328": "GYD", "332": "HTG", "340": "HNL", "344": "HKD",
	"348": "HUF", "356": "INR", "360": "IDR", "376": "ILS", "388": "JMD", "392": "JPY", "410": "KRW", "458": "MYR",
	"484": "MXN", "532": "XCG", "533": "AWG", "554": "NZD", "558": "NIO", "578": "NOK", "590": "PAB", "600": "PYG",
	"604": "PEN", "608": "PHP", "643": "RUB", "682": "SAR", "702": "SGD", "710": "ZAR", "752": "SEK", "756": "CHF",
	"764": "THB", "780": "TTD", "784": "AED", "826": "GBP", "840": "USD", "858": "UYU", "901": "TWD", "928": "VES",
	"940": "UYI", "949": "TRY", "951": "XCD", "968": "SRD", "970": "COU", "978": "EUR", "979": "MXV", "985": "PLN",
	"986": "BRL", "990": "CLF", "997": "USN",
}

// minorUnits is how many decimals a currency's amounts have where these aren't
// two.
var minorUnits = map[string]int{
	"BIF": 0, "CLP": 0, "DJF": 0, "GNF": 0, "ISK": 0, "JPY": 0, "KMF": 0, "KRW": 0, "PYG": 0, "RWF": 0, "UGX": 0, "UYI": 0, "VND": 0, "VUV": 0, "XAF": 0, "XOF": 0, "XPF": 0,
	"BHD": 3, "IQD": 3, "JOD": 3, "KWD": 3, "LYD": 3, "OMR": 3, "TND": 3,
	"CLF": 4, "UYW": 4,
}

// finer refuses an amount with more decimals than its currency has. One with
// three may be meant as thousands, zeros or not: 1.234 pesos or 1234.
func finer(amount, currency string) fault {
	whole, fraction, _ := strings.Cut(amount, ".")
	units, ok := minorUnits[currency]
	if !ok {
		units = 2
	}
	if len(fraction) <= units || len(fraction) != 3 && strings.Trim(fraction[units:], "0") == "" {
		return noFault
	}
	detail := fmt.Sprintf("%s has %d decimals, and amounts of %s have %d.", shorten(amount), len(fraction), currency, units)
	if len(fraction) == 3 {
		return fault{"Ambiguous amount", fmt.Sprintf("%s The full stop may be meant to separate thousands: then write %s. If it is the decimal mark, round the amount: round(x, %d).", detail, shorten(whole+fraction), units)}
	}
	return fault{"Amount finer than its currency", fmt.Sprintf("%s Round it, as in round(x, %d), or correct the list.", detail, units)}
}
