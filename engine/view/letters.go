package view

import (
	"unicode"

	"golang.org/x/text/unicode/norm"
)

func isLetter(r rune) bool {
	if r < 0x80 {
		return r < 0x80 && fold(byte(r)) != 0
	}
	return unicode.IsLetter(r)
}

func isASCIILetter(r rune) bool { return r < 0x80 && fold(byte(r)) != 0 }

func isAlnum(c byte) bool { return c >= '0' && c <= '9' || fold(c) != 0 }

// alphabetic reports a letter of Latin, Greek, Cyrillic or Armenian, the
// scripts that have look-alikes of each other.
func alphabetic(r rune) bool {
	switch {
	case r < 0x80:
		return fold(byte(r)) != 0
	case r < 0x590:
		return r >= 0xc0 && unicode.IsLetter(r)
	}
	return r >= 0x1d00 && r < 0x2000 && unicode.IsLetter(r) || smallCap(r) != 0
}

// invisible reports characters that show nothing: controls, zero-width and
// other default-ignorable ones, and controls of direction. Those of layout stay.
func invisible(r rune) bool {
	switch {
	case r < ' ':
		return r != '\n' && r != '\t' && r != '\r'
	case r < 0xad:
		return r == 0x7f
	case r < 0x2000:
		switch r {
		case 0xad, 0x34f, 0x61c, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x180b, 0x180c, 0x180d, 0x180e, 0x180f:
			return true
		}
		return false
	}
	switch {
	case r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
		return true
	case r == 0x3164, r == 0xfeff, r == 0xffa0, r >= 0xfff0 && r <= 0xfff8:
		return true
	case r >= 0x1bca0 && r <= 0x1bca3, r >= 0x1d173 && r <= 0x1d17a:
		return true
	}
	return variation(r) || r >= 0xe0000 && r <= 0xe0fff
}

func variation(r rune) bool { return r >= 0xfe00 && r <= 0xfe0f || r >= 0xe0100 && r <= 0xe01ef }

// overlay reports marks that are written over or around a letter without
// belonging to any language's letters.
func overlay(r rune) bool {
	return r >= 0x334 && r <= 0x338 || r >= 0x20d0 && r <= 0x20df || r >= 0x20e4 && r <= 0x20f0
}

// mark reports combining marks of Latin, Greek and Cyrillic, which pile up in
// noise. Marks of other scripts are parts of words.
func mark(r rune) bool {
	return r >= 0x300 && r <= 0x36f || r >= 0x483 && r <= 0x489 || r >= 0x1ab0 && r <= 0x1aff ||
		r >= 0x1dc0 && r <= 0x1dff || r >= 0x20d0 && r <= 0x20f0 && r != 0x20e3 || r >= 0xfe20 && r <= 0xfe2f
}

func emoji(r rune) bool {
	return r >= 0x1f300 && r <= 0x1faff || r >= 0x2600 && r <= 0x27bf || r == 0x2b50 || r == 0x2b55
}

// tag reports the invisible copies of ASCII.
func tag(r rune) bool { return r >= 0xe0020 && r <= 0xe007e }

func regional(r rune) bool { return r >= 0x1f1e6 && r <= 0x1f1ff }

// styled is the ASCII letter or digit that r is in another style: mathematical,
// fullwidth, enclosed; or 0. Letters of which words of science and trade are
// made (superscripts, ligatures, letter-like signs) are not.
func styled(r rune) byte {
	switch {
	case r < 0x2460:
		return 0
	case r >= 0x24b6 && r <= 0x24cf:
		return byte('A' + r - 0x24b6)
	case r >= 0x24d0 && r <= 0x24e9:
		return byte('a' + r - 0x24d0)
	case r >= 0x249c && r <= 0x24b5: // in parentheses
		return byte('a' + r - 0x249c)
	case r >= 0xff21 && r <= 0xff3a:
		return byte('A' + r - 0xff21)
	case r >= 0xff41 && r <= 0xff5a:
		return byte('a' + r - 0xff41)
	case r >= 0x1d400 && r <= 0x1d7ff, r >= 0x2100 && r <= 0x214f:
		var b [4]byte
		n := copy(b[:], string(r))
		if d := norm.NFKC.Properties(b[:n]).Decomposition(); len(d) == 1 && isAlnum(d[0]) {
			return d[0]
		}
	case r >= 0x1f110 && r <= 0x1f129:
		return byte('a' + r - 0x1f110)
	case r >= 0x1f130 && r <= 0x1f149:
		return byte('A' + r - 0x1f130)
	case r >= 0x1f150 && r <= 0x1f169:
		return byte('A' + r - 0x1f150)
	case r >= 0x1f170 && r <= 0x1f189:
		return byte('A' + r - 0x1f170)
	}
	return 0
}

// smallCap is the letter that r is a small capital of, or 0.
func smallCap(r rune) byte {
	switch r {
	case 'ᴀ':
		return 'a'
	case 'ʙ':
		return 'b'
	case 'ᴄ':
		return 'c'
	case 'ᴅ':
		return 'd'
	case 'ᴇ':
		return 'e'
	case 'ꜰ':
		return 'f'
	case 'ɢ':
		return 'g'
	case 'ʜ':
		return 'h'
	case 'ɪ':
		return 'i'
	case 'ᴊ':
		return 'j'
	case 'ᴋ':
		return 'k'
	case 'ʟ':
		return 'l'
	case 'ᴍ':
		return 'm'
	case 'ɴ':
		return 'n'
	case 'ᴏ':
		return 'o'
	case 'ᴘ':
		return 'p'
	case 'ꞯ':
		return 'q'
	case 'ʀ':
		return 'r'
	case 'ꜱ':
		return 's'
	case 'ᴛ':
		return 't'
	case 'ᴜ':
		return 'u'
	case 'ᴠ':
		return 'v'
	case 'ᴡ':
		return 'w'
	case 'ʏ':
		return 'y'
	case 'ᴢ':
		return 'z'
	}
	return 0
}

// strictLooks and wideLooks pair characters with the Latin letter that they
// look like: strictLooks those that nobody can tell apart, wideLooks others that
// are used in their place.
const (
	strictLooks = "аaеeоoрpсcуyхxіiјjѕsԁdһhԛqԝwӏlѵvАAВBЕEЅSІIЈJКKМMНHОOРPСCТTУYХXԚQԜW" +
		"αaοoνvρpιiυuκkΑAΒBΕEΖZΗHΙIΚKΜMΝNΟOΡPΤTΥYΧXϲcϳj" +
		"օoսuոnհhցgզqյjոnѡwɑaɡgꓲIꓰEꓳOꓮAꓢSꓔTꓝFꓓDꓖGꓜZꓑPꓣRꓡLꓠNꓟMꓴUꓦVꓪWꓧHꓗKꓚCꓙJꓐBꓬYꓫX" +
		"ᎪAᎬEᎠDᎡRᎢTᎫJᎳWᎷMᎻHᏀGᏃZᏙVᏚSᏞLᏟCᏢPᏦKᏴB"
	wideLooks = "кkмmтtнhвbгrпnёeйiтtзzбbиuлnдdшwщwчyяrгr" +
		"τtεeηnωwσoχxγyβbμuπnδdςcϵeάaέeίiόoύuήnώw" +
		"աwատmեtէeըpթpժdիhլlխfծoկlճlմuյjնuպwռnրpոnսuտsցgքpօoֆf"
)
