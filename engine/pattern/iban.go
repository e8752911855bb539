package pattern

// iban recognises an international bank account number (ISO 13616) at i: a
// country, check digits, and as many characters as this country has, in one
// piece or in groups of four.
func (f *finder) iban(i int) {
	if i < 0 || !isLetter(f.text[i]) || !isLetter(f.text[i+1]) || wordBefore(f.text, i) {
		return
	}
	want := ibanLen(f.text[i]&^0x20, f.text[i+1]&^0x20)
	if want == 0 {
		return
	}
	var code [34]byte
	var sep string
	n, j := 0, i
	for ; n < want; n++ {
		if n > 0 && n%4 == 0 {
			w := space(f.text, j)
			if w == 0 {
				w = dash(f.text, j)
			}
			if n > 4 && f.text[j:j+w] != sep {
				return
			}
			sep = f.text[j : j+w]
			j += w
		}
		c := at(f.text, j)
		if !isAlnum(c) {
			return
		}
		if isLetter(c) {
			c &^= 0x20
		}
		code[n] = c
		j++
	}
	if wordAfter(f.text, j) || !mod97(code[:n]) {
		return
	}
	f.add(i, j, IBAN, 0.99, true)
	f.numbers = j
}

// mod97 checks the digits 3 and 4 of an IBAN in upper case (ISO 7064).
func mod97(code []byte) bool {
	r := 0
	for k := range code {
		c := code[(k+4)%len(code)]
		if isDigit(c) {
			r = (r*10 + int(c-'0')) % 97
		} else {
			r = (r*100 + int(c-'A') + 10) % 97
		}
	}
	return r == 1
}

// ibanLen is the length that a country's numbers have, 0 if it has none.
func ibanLen(a, b byte) int {
	for i := 0; i+4 <= len(ibanLengths); i += 5 {
		if ibanLengths[i] == a && ibanLengths[i+1] == b {
			return int(ibanLengths[i+2]-'0')*10 + int(ibanLengths[i+3]-'0')
		}
	}
	return 0
}

// From the registry of IBANs that SWIFT keeps.
const ibanLengths = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 " +
	"EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 " +
	"LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 " +
	"QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
