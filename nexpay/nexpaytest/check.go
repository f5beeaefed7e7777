package nexpaytest

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// The codes that the bank answers with by itself.
const (
	codeNoKey, codeNoNonce, codeNoSignature, codeBadKey        classify.Code = "10", "20", "30", "40"
	codeNotMonotonous, codeBadNonce, codeWrongSignature        classify.Code = "50", "60", "70"
	codeNoPermission                                           classify.Code = "80"
	codeNoIdentifier, codeTwoIdentifiers, codeReschedulingTime classify.Code = "20000", "20010", "20120"
	codeMandatory, codeRequest, codeParameter                  classify.Code = "200", "30000", "30010"
)

// A refusal is the bank's own reason to refuse a request. The zero refusal means
// none.
type refusal struct {
	code classify.Code
	data string
}

// check makes the checks in their order and uses up the nonce. The caller holds mu.
func (b *Bank) check(c *call) (*Key, refusal) {
	id, number, signature := c.header.Get("X-API-KEY"), c.header.Get("X-NONCE"), c.header.Get("X-Signature")
	switch {
	case id == "":
		return nil, refusal{code: codeNoKey}
	case number == "":
		return nil, refusal{code: codeNoNonce}
	case signature == "":
		return nil, refusal{code: codeNoSignature}
	}
	k := b.keys[id]
	if k == nil {
		return nil, refusal{code: codeBadKey}
	}
	n, ok := parseNonce(number)
	switch {
	case !ok:
		return nil, refusal{code: codeBadNonce}
	case n <= k.LastNonce:
		return nil, refusal{code: codeNotMonotonous}
	}
	signed := c.signedWith(k.Secret, id+"&"+number, signature, b.config.EncodedQuery)
	if signed || b.config.SpendRefused {
		k.LastNonce = n
	}
	switch {
	case !signed && !c.isForm(): // so its body is ignored
		return nil, refusal{codeWrongSignature, "Content-Type"}
	case !signed:
		return nil, refusal{code: codeWrongSignature}
	case k.forbids(c.path):
		return nil, refusal{code: codeNoPermission}
	case k.State != Enabled:
		return nil, refusal{code: classify.Code(strconv.Itoa(int(k.State)))}
	}
	return k, refusal{}
}

// maxNonce is the largest integer below 2^53−2.
const maxNonce = 1<<53 - 3

func parseNonce(text string) (uint64, bool) {
	n, err := strconv.ParseUint(text, 10, 64) // takes digits only
	if err != nil || n > maxNonce {
		return 0, false
	}
	return n, true
}

func (k *Key) forbids(path string) bool {
	for _, prefix := range k.Forbidden {
		if strings.HasPrefix(path, prefix) {
			return true
		}
	}
	return false
}

// signedWith tries the variants of path and query that the bank accepts: the path as
// sent or un-encoded, the query un-encoded and, if encoded is set, as sent. head is
// everything before them.
func (c *call) signedWith(secret, head, signature string, encoded bool) bool {
	if c.formErr != nil {
		return false
	}
	body := ""
	if len(c.form) > 0 {
		body = "?" + c.form.Text()
	}
	for _, path := range readings(c.path, url.PathUnescape, true) {
		for _, query := range readings(c.query, url.QueryUnescape, encoded) {
			if query != "" {
				query = "?" + query
			}
			if hmac.Equal([]byte(mac(secret, head+path+query+body)), []byte(signature)) {
				return true
			}
		}
	}
	return false
}

// readings returns the text un-encoded and, if that differs and asSent is set, as
// sent.
func readings(sent string, unescape func(string) (string, error), asSent bool) []string {
	plain, err := unescape(sent)
	switch {
	case err == nil && (plain == sent || !asSent):
		return []string{plain}
	case err == nil:
		return []string{plain, sent}
	case asSent:
		return []string{sent}
	}
	return nil
}

// paymentSigned checks the transactionSignature of a new payment.
func (k *Key) paymentSigned(f nexpay.Form) bool {
	if k.PaymentSecret == "" {
		return true
	}
	last := len(f) - 1
	return last > 0 && f[last].Name == signatureField &&
		hmac.Equal([]byte(mac(k.PaymentSecret, f[:last].Text())), []byte(f[last].Value))
}

const signatureField = "transactionSignature"

func mac(secret, text string) string {
	h := hmac.New(sha512.New, []byte(secret))
	_, _ = h.Write([]byte(text)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}
