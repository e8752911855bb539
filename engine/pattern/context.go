package pattern

import (
	"unicode"
	"unicode/utf8"
)

// A context is what the words before a number say that it is.
type context uint8

const (
	unknown context = iota
	aPhone
	aDesk // a phone, if it stands right beside the number
	aCard
	anSSN
	aVersion // or a section of a text
	another  // order, invoice, serial …: a number that is nobody's
)

const (
	contextBytes = 48
	sentence     = 6 // words in which a number is introduced
	adjacent     = 2 // words that go with the number
)

// before is the context of a number at i: what the nearest of so many words on its
// left says that says anything.
func before(text string, i, words int) context {
	limit := max(0, i-contextBytes)
	for k := range words {
		end := skipBack(text, i, limit, false)
		i = skipBack(text, end, limit, true)
		if i == end {
			return unknown
		}
		switch c := meaning(text[i:end]); {
		case c == aDesk && k == 0:
			return aPhone
		case c != unknown && c != aDesk:
			return c
		}
	}
	return unknown
}

// after is the context that a word at i gives to the number that ends there, as
// in "555 0100 (fax)".
func after(text string, i int) context {
	for range 3 {
		if c := at(text, i); c == ' ' || c == '-' || c == '(' {
			i++
		}
	}
	end := i
	for end < len(text) && isLetter(text[end]) && end-i <= contextBytes {
		end++
	}
	if c := meaning(text[i:end]); c == aPhone || c == aDesk {
		return aPhone
	}
	return unknown
}

// skipBack goes left from i over what is part of words, or is not.
func skipBack(text string, i, limit int, words bool) int {
	for i > limit {
		r, size := rune(text[i-1]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeLastRuneInString(text[:i])
		}
		if unicode.IsLetter(r) != words {
			break
		}
		i -= size
	}
	return i
}

// meaning is what a word says about the number after it.
func meaning(word string) context {
	var buf [20]byte
	switch string(lower(buf[:], word)) {
	case "phone", "phones", "telephone", "tel", "mobile", "mobil", "mob", "cell", "cellphone", "fax", "ph",
		"call", "calling", "callback", "dial", "texting", "sms", "whatsapp", "reach", "ring",
		"contact", "hotline", "landline", "voicemail", "switchboard", "answering", "message", "messages",
		"telefon", "telefonnummer", "rufnummer", "handy", "handynummer", "anrufen", "erreichbar",
		"tél", "téléphone", "portable", "appeler", "joindre", "teléfono", "telefono", "móvil", "movil", "celular", "llamar",
		"cellulare", "chiamare", "telefone", "telemóvel", "telefoon", "telefoonnummer", "mobiel", "gsm", "bellen",
		"телефон", "тел", "phonenumber", "mobilenumber":
		return aPhone
	case "office", "desk", "home", "work", "direct":
		return aDesk
	case "card", "cc", "cards", "credit", "debit", "visa", "mastercard", "amex", "maestro", "unionpay", "jcb", "diners", "pan",
		"kreditkarte", "kreditkartennummer", "karte", "kartennummer", "carte", "tarjeta", "carta", "cartão", "creditcard", "cardnumber":
		return aCard
	case "ssn", "ssns", "social", "security", "itin", "taxpayer":
		return anSSN
	case "version", "versions", "ver", "v", "release", "build", "firmware", "section", "sections", "sec",
		"chapter", "clause", "rfc", "upgrade", "upgraded", "oid", "paragraph":
		return aVersion
	case "order", "orders", "invoice", "account", "acct", "ticket", "case", "ref", "reference", "tracking", "shipment", "parcel",
		"policy", "isbn", "issn", "imei", "iccid", "ean", "upc", "gtin", "sku", "part", "serial", "item", "items", "model",
		"article", "lot", "batch", "id", "ids", "uid", "pid", "zip", "postcode", "commit", "port", "ports", "code", "pin", "otp",
		"license", "licence", "passport", "patent", "docket", "room", "page", "pages", "year", "years", "date", "dates", "row", "rows",
		"line", "lines", "total", "amount", "sum", "price", "cost", "usd", "eur", "gbp", "transaction", "txn", "receipt", "doi",
		"orcid", "arxiv", "pmid", "vat", "bic", "routing", "iban", "timestamp", "epoch", "bytes", "size", "hash", "checksum",
		"score", "population", "bestellung", "bestellnummer", "rechnung", "rechnungsnummer", "kundennummer", "konto", "kontonummer",
		"commande", "facture", "pedido", "factura", "ordine", "fattura", "seriennummer", "product", "produkt", "catalog", "catalogue",
		"coordinates", "latitude", "longitude", "sample", "figure", "table", "booking", "reservation", "flight", "barcode":
		return another
	}
	return unknown
}
