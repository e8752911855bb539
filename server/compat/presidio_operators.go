package compat

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"mom/server/web"
)

// anonymizers and deanonymizers are the operators of each kind. custom, a
// function of Python, is none of them.
func anonymizers() []string {
	return []string{"encrypt", "hash", "keep", "mask", "redact", "replace"}
}

func deanonymizers() []string { return []string{"decrypt", "deanonymize_keep"} }

// operator is what is done with an entity, with the parameters of its type.
type operator struct {
	Type string `json:"type"`
	// replace
	NewValue string `json:"new_value,omitempty"` // <ENTITY_TYPE> when empty
	// mask
	Char    *string `json:"masking_char,omitempty"`
	Count   *int    `json:"chars_to_mask,omitempty"`
	FromEnd *bool   `json:"from_end,omitempty"`
	// hash
	HashType string  `json:"hash_type,omitempty"` // sha256 (the default) or sha512
	Salt     *string `json:"salt,omitempty"`      // of at least 16 bytes; random for each entity when absent
	// encrypt, decrypt
	Key *string `json:"key,omitempty"` // 16, 24 or 32 bytes
}

const minSalt = 16 // bytes

// check refuses types that are not known and parameters that are wrong. It
// repeats no value of a parameter.
func (o *operator) check(field string, known []string) error {
	switch {
	case o.Type == "":
		return presidioInvalid(field, "Invalid input, "+field+" must contain a type")
	case o.Type == "custom":
		return presidioInvalid(field, "Invalid operator class 'custom': it is a function, which cannot be sent; known are "+strings.Join(known, ", "))
	case !slices.Contains(known, o.Type):
		return presidioInvalid(field, "Invalid operator class; known are "+strings.Join(known, ", "))
	}
	switch o.Type {
	case "mask":
		return o.checkMask()
	case "hash":
		if !slices.Contains([]string{"", "sha256", "sha512"}, o.HashType) {
			return presidioInvalid("hash_type", "Parameter hash_type is not in range of values ['sha256', 'sha512']")
		}
		if o.Salt != nil && len(*o.Salt) < minSalt {
			return presidioInvalid("salt", "Invalid input, salt must be of at least 16 bytes")
		}
	case "encrypt", "decrypt":
		if o.Key == nil {
			return presidioInvalid("key", "Expected parameter key")
		}
		if n := len(*o.Key); n != 16 && n != 24 && n != 32 {
			return presidioInvalid("key", "Invalid input, key must be of length 128, 192 or 256 bits")
		}
	}
	return nil
}

func (o *operator) checkMask() error {
	switch {
	case o.Char == nil:
		return presidioInvalid("masking_char", "Expected parameter masking_char")
	case utf8.RuneCountInString(*o.Char) != 1:
		return presidioInvalid("masking_char", "Invalid input, masking_char must be a character")
	case o.Count == nil:
		return presidioInvalid("chars_to_mask", "Expected parameter chars_to_mask")
	}
	return nil
}

// apply is what becomes of text, which is of type kind.
func (o *operator) apply(kind, text string) (string, error) {
	switch o.Type {
	case "replace":
		if o.NewValue == "" {
			return "<" + kind + ">", nil
		}
		return o.NewValue, nil
	case "redact":
		return "", nil
	case "mask":
		return o.mask(text), nil
	case "hash":
		return o.hash(text), nil
	case "encrypt":
		return encrypt([]byte(*o.Key), text)
	case "decrypt":
		return decrypt([]byte(*o.Key), text)
	}
	return text, nil // keep, deanonymize_keep
}

func (o *operator) mask(text string) string {
	runes := []rune(text)
	n := max(0, min(len(runes), *o.Count))
	stars := strings.Repeat(*o.Char, n)
	if o.FromEnd != nil && *o.FromEnd {
		return string(runes[:len(runes)-n]) + stars
	}
	return stars + string(runes[n:])
}

func (o *operator) hash(text string) string {
	salt := make([]byte, 32)
	if o.Salt != nil {
		salt = []byte(*o.Salt)
	} else {
		rand.Read(salt) // never fails
	}
	data := append([]byte(text), salt...)
	if o.HashType == "sha512" {
		sum := sha512.Sum512(data)
		return hex.EncodeToString(sum[:])
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// encrypt is AES-CBC with PKCS #7 padding: base64, in the alphabet for URLs, of
// a random initialisation vector and the ciphertext.
func encrypt(key []byte, text string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	pad := aes.BlockSize - len(text)%aes.BlockSize
	plain := append([]byte(text), bytes.Repeat([]byte{byte(pad)}, pad)...)
	out := make([]byte, aes.BlockSize+len(plain))
	rand.Read(out[:aes.BlockSize])
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], plain)
	return base64.URLEncoding.EncodeToString(out), nil
}

// errDecrypt is the same for every reason, so that it tells nothing about the
// padding.
func errDecrypt() *web.Error {
	return presidioInvalid("deanonymizers", "Invalid input, the text cannot be decrypted with this key")
}

func decrypt(key []byte, text string) (string, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return "", err
	}
	text = strings.NewReplacer("+", "-", "/", "_").Replace(text) // both alphabets are taken
	data, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(data) < 2*aes.BlockSize || len(data)%aes.BlockSize != 0 {
		return "", errDecrypt()
	}
	plain := data[aes.BlockSize:]
	cipher.NewCBCDecrypter(block, data[:aes.BlockSize]).CryptBlocks(plain, plain)
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize || !bytes.Equal(plain[len(plain)-pad:], bytes.Repeat([]byte{byte(pad)}, pad)) {
		return "", errDecrypt()
	}
	plain = plain[:len(plain)-pad]
	if !utf8.Valid(plain) {
		return "", errDecrypt()
	}
	return string(plain), nil
}
