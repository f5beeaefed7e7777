package echo_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/echo"
)

// blot is echo.Blot on copies.
func blot(messages, texts []string) []string {
	out := append([]string(nil), messages...)
	at := make([]*string, len(out))
	for i := range out {
		at[i] = &out[i]
	}
	echo.Blot(at, texts)
	return out
}

func TestBlot(t *testing.T) {
	const iban, file = "DE89370400440532013000", "aGVsbG8sIHRoaXMgaXMgYSBmaWxlIHRoYXQgaXMgbG9uZw"
	for name, tt := range map[string]struct{ message, want string }{
		"nothing":                {"", ""},
		"as it is":               {"no " + iban + "!", "no […]!"},
		"twice":                  {iban + iban + " " + iban, "[…] […]"},
		"in groups":              {"no DE89 3704 0044 0532 0130 00", "no […]"},
		"sixteen of it":          {"…" + file[20:36] + "…", "…[…]…"},
		"fifteen of it":          {"…" + file[20:35] + "…", "…" + file[20:35] + "…"},
		"its beginning, cut":     {"no " + file[:8], "no […]"},
		"its beginning, too few": {"no " + file[:7], "no " + file[:7]},
		"that in the middle":     {file[:15] + " no", file[:15] + " no"},
		"cut inside an escape":   {"no DE89370400%2", "no […]"},
		"short, and asked for":   {"key k-1, k-1k-1", "key […], […]"},
		"overlapping itself":     {"xyxyxyxyxyxyx", "[…]"},
		"only marks":             {"a --------- b", "a […] b"},
		"no UTF-8":               {"\xff" + iban + "\xff\xfe", "\xff[…]\xff\xfe"},
	} {
		t.Run(name, func(t *testing.T) {
			texts := []string{iban, file, "k-1", "xyxyxyxyxyx", "---------", "", "\xff"}
			require.Equal(t, []string{"before " + file[:7], tt.want, "after"}, blot([]string{"before " + file[:7], tt.message, "after"}, texts),
				"and nothing stands in two messages")
		})
	}
	require.Empty(t, blot(nil, []string{iban}))
	require.Equal(t, []string{"", ""}, blot([]string{"", ""}, []string{iban}))
}

func TestTextsOfARequest(t *testing.T) {
	require.Equal(t, []string{"12345678"}, echo.Long([]string{"", "1234567", "12345678"}))
	require.ElementsMatch(t, []string{"Bearer 12345678", "12345678", "a=12345678; b=87654321", "12345678", "87654321"}, echo.Headers(http.Header{
		"Authorization": {"Bearer 12345678"}, "Cookie": {"a=12345678; b=87654321"}, "X-Request-Id": {"1234567890"}, "X-Token": {"short"},
	}))
	require.Equal(t, []string{"a b c d e f", "100%25%zz", "without-a-name"}, echo.Values("x=a+b%20c+d+e+f&y=100%25%zz&z=short&without-a-name"))
	require.ElementsMatch(t, []string{"Basic c2tfbGl2ZV8xMjM0Omh1bnRlcjJodW50ZXIy", "c2tfbGl2ZV8xMjM0Omh1bnRlcjJodW50ZXIy", "sk_live_1234", "hunter2hunter2"},
		echo.Headers(http.Header{"Proxy-Authorization": {"Basic c2tfbGl2ZV8xMjM0Omh1bnRlcjJodW50ZXIy"}}), "a server knows them decoded")
	require.Empty(t, echo.Long([]string{"12345\xff\xfe67"}), "most of it stands in no message")
}

func TestWords(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want []string
	}{
		"nothing":           {"", nil},
		"short":             {"1234567", nil},
		"one":               {"12345678", []string{"12345678"}},
		"a form":            {"a=12345678&b=<87654321>\t\r\n1234567 \\12345678", []string{"12345678", "87654321", "12345678"}},
		"names of a form":   {"signature=12345678&accountName=&account1234=5", []string{"12345678", "account1234"}},
		"no form":           {"abcdefgh== abcdefgh= abcdefgh=", []string{"abcdefgh", "abcdefgh", "abcdefgh"}},
		"XML":               {`<Account no="12345678">DE89 37040044</Account>`, []string{"12345678", "37040044", "/Account"}},
		"JSON":              {`{"a":"12345678","b":[12345678,"a b"],"c":"ä1234567"}`, []string{"12345678", "12345678", "ä1234567"}},
		"in groups":         {`{"iban":"DE89 3704 0044"}`, []string{"DE89 3704 0044"}},
		"escaped":           {`{"a":"pass\u0026word"}`, []string{`pass\u0026word`, "u0026word", "pass&word"}},
		"an escaped quote":  {`{"a":"pass\"word1234"}`, []string{`pass\"word1234`, "word1234", `pass"word1234`, "word1234"}},
		"no such escape":    {`{"a":"pass\xword1234"}`, []string{`pass\xword1234`, "xword1234"}},
		"names":             {"\n{\"debtorAccount\" : {\"addressLine1\":12345678}}", []string{"12345678"}},
		"an account's name": {`{"DE89370400440532013000":1}`, []string{"DE89370400440532013000"}},
		"names in no JSON":  {`say "password": "12345678"`, []string{"password", "12345678"}},
		"cut":               {`{"a":"12345678`, []string{"12345678"}},
		"cut, in groups":    {`{"a":"1234 5678`, []string{"1234 5678"}},
		"cut in an escape":  {`{"a":"12345678\`, []string{`12345678\`, "12345678"}},
		"packed":            {"a\xff\xfe\xfd\xfc\xfb\xfa\xf9\xf8 e\x1f\x8b12\x00\x00\x00\x00", []string{"e\x1f12\x00\x00\x00\x00"}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, echo.Words(tt.body)) })
	}
}

// A server knows what JSON stands for, and says it as it likes.
func TestBlotOfJSON(t *testing.T) {
	words := echo.Words(`{"iban":"DE89 3704 0044 0532 0130 00","password":"correct\u0026horse","amount":"12"}`)
	for message, want := range map[string]string{
		"iban: no DE89 3704 0044 0532 0130 00": "iban: no […]",
		"iban: no DE89370400440532013000":      "iban: no […]",
		"password: no correct&horse":           "password: no […]",
		`password: no correct\u0026horse`:      "password: no […]",
		"password: no correct&amp;horse":       "password: no […]",
	} {
		require.Equal(t, []string{want}, blot([]string{message}, words))
	}
}

// What is packed holds every letter, and is no reason to take them out of a message.
func TestPackedBodiesAreNotBlottedLetterByLetter(t *testing.T) {
	var body bytes.Buffer
	z := gzip.NewWriter(&body)
	for i := range 4000 {
		fmt.Fprintf(z, "payment %d to %x;", i*7919, i*i*31337)
	}
	require.NoError(t, z.Close())
	messages := []string{"Nonce is not monotonous, ask support with request 77"}
	require.Equal(t, messages, blot(messages, echo.Words(body.String())))
}

// texts are drawn of few letters, so that they share much, and of what encodings are
// made of.
func texts(most int) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		letters := rapid.SampledFrom([]string{"a", "ab", "aB1", "abcdefgh0123", "a-+ b", "a%4&1;#x", "äİß\u0130ſ1", "a\xff\xc3\ufffd"}).Draw(t, "letters")
		runes := rapid.SliceOfN(rapid.SampledFrom([]rune(letters)), 0, most).Draw(t, "text")
		return string(runes) + rapid.SampledFrom([]string{"", "", "", "\xff", "&NotEqualTilde;", "&nGt;", "%25%34%31", "&amp;#65;"}).Draw(t, "more")
	})
}

// echoing is a message that repeats some of the texts, whole or in part and spelled in
// any way.
func echoing(all []string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "parts") {
			b.WriteString(texts(12).Draw(t, "between"))
			part := rapid.SampledFrom(all).Draw(t, "repeated")
			from := rapid.IntRange(0, len(part)).Draw(t, "from")
			part = part[from:rapid.IntRange(from, len(part)).Draw(t, "to")]
			b.WriteString(rapid.SampledFrom([]func(string) string{
				func(s string) string { return s }, strings.ToUpper, url.QueryEscape, url.PathEscape, html.EscapeString,
				func(s string) string { return url.QueryEscape(url.QueryEscape(s)) },
				func(s string) string { return strings.Join(strings.Split(s, ""), "-") },
				func(s string) string { return s + s },
				func(s string) string {
					var each strings.Builder
					for _, c := range []byte(s) {
						fmt.Fprintf(&each, "&#x%x;", c)
					}
					return each.String()
				},
			}).Draw(t, "spelled")(part))
		}
		s := b.String()
		return s[:len(s)-min(len(s), rapid.IntRange(0, 3).Draw(t, "cut"))]
	})
}

// Blot leaves of any messages what is left of them when each is searched plainly for
// each text, and that is no more than when overlapping places are left out.
func TestBlotIsWhatItWouldBePlainly(t *testing.T) {
	changed := 0
	rapid.Check(t, func(t *rapid.T) {
		all := rapid.SliceOfN(texts(40), 1, 6).Draw(t, "texts")
		messages := rapid.SliceOfN(echoing(all), 0, 4).Draw(t, "messages")
		compare(t, messages, all)
		for i, m := range blot(messages, all) {
			if m != messages[i] {
				changed++
			}
		}
	})
	require.Positive(t, changed)
}

func compare(t require.TestingT, messages, texts []string) {
	want := make([]string, len(messages))
	for i, m := range messages {
		marks := plainly(m, texts, true)
		want[i] = blotted(m, marks)
		for at, marked := range plainly(m, texts, false) {
			require.False(t, marked && !marks[at])
		}
	}
	if len(messages) == 0 {
		want = nil
	}
	require.Equal(t, want, blot(messages, texts), "%q repeat %q", messages, texts)
}

func FuzzBlot(f *testing.F) {
	f.Add("DE89370400440532013000", "abcabcabcabcabcabc", "Invalid de89 3704 0044 0532 0130 00", "abcabcab%4")
	f.Add("Jörg Müller & Söhne", "%25%34%31aaaaaaaaa", "J%c3%b6rg+M%25C3%25BCller &amp; S&ouml;hne %", "aaaaaaaaaaaaaaaaa&#x41")
	f.Add("İstanbul İstanbul", "\xffaaaaaaaa\xff", "İSTANBUL istanbul", "&NotEqualTilde;&nGt;aaaaaaaa")
	f.Fuzz(func(t *testing.T, a, b, m, n string) {
		if len(a)+len(b)+len(m)+len(n) > 10_000 {
			t.Skip("plainly it takes too long")
		}
		compare(t, []string{m, n, m + a, b + n, n + b + m + a}, []string{a, b, a + b})
	})
}

// What Blot costs, by what a server may think of: 16 messages of 256 bytes on a request
// of 64 KiB.
func BenchmarkBlot(b *testing.B) {
	same := strings.Repeat("a", 64<<10)
	var words, begun []string
	for i := range 6000 {
		words = append(words, fmt.Sprintf("payment-%06d", i*7919%1_000_003))
		begun = append(begun, fmt.Sprintf("%s%03x", strings.Repeat("a", 8+i%8), i))
	}
	for name, tt := range map[string]struct {
		message string
		texts   []string
	}{
		"words":             {strings.Repeat("The amount of the payment is too high. ", 7)[:256], words},
		"words, repeated":   {strings.Join(words[:20], " ")[:256], words},
		"words, begun":      {strings.Repeat("payment-00", 26)[:256], words},
		"words of a letter": {same[:256], begun},
		"one letter":        {same[:256], []string{same}},
	} {
		b.Run(name, func(b *testing.B) {
			messages := make([]string, 16)
			for i := range messages {
				messages[i] = tt.message
			}
			b.ReportAllocs()
			for b.Loop() {
				blot(messages, tt.texts)
			}
		})
	}
}
