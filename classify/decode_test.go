package classify_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

func TestDecodeCodes(t *testing.T) {
	for text, want := range map[string]classify.Code{
		`50`: "50", `-32603`: "-32603", `50.0`: "50", `5e1`: "50", `500E-1`: "50", `"50"`: "50", `"-32603"`: "-32603", `"\u0035\u0030"`: "50",
		`0`: "", `-0`: "", `0.0`: "", `"0"`: "", `-0e9`: "", `""`: "", `"  "`: "", `"a\nb"`: "", `"\ud800"`: "\ufffd", `"\u202e"`: "",
		`50.5`: "50.5", `"50.0"`: "50.0", `"5e1"`: "5e1", `"050"`: "050", `"+50"`: "+50", `" 50"`: " 50", `"0x32"`: "0x32", `"-0"`: "-0",
		`"card_declined"`: "card_declined", `"EAPI:Invalid nonce"`: "EAPI:Invalid nonce", `"Ключ"`: "Ключ",
		`"` + strings.Repeat("a", 128) + `"`: classify.Code(strings.Repeat("a", 128)), `"` + strings.Repeat("a", 129) + `"`: "",
		`"` + strings.Repeat(`\u0061`, 128) + `"`: classify.Code(strings.Repeat("a", 128)), `"` + strings.Repeat("é", 65) + `"`: "",
		`true`: "", `null`: "", `{"code":50}`: "", `[50]`: "",
		`1e400`: "1e400", `99999999999999999999`: "99999999999999999999", `"99999999999999999999"`: "99999999999999999999", `1e9`: "1000000000",
		`9007199254740993`: "9007199254740993", `1e39`: classify.Code("1" + strings.Repeat("0", 39)), `1e40`: "1e40", `-1e16`: "-10000000000000000",
		`12.50e1`: "125", `1200e-2`: "12", `-1200e-3`: "-1200e-3", `0.00012e5`: "12", `1E+2`: "100", `0e5`: "", `1e-0`: "1",
		`5` + strings.Repeat("0", 64): classify.Code("5" + strings.Repeat("0", 64)), `50.` + strings.Repeat("0", 64): "50",
		`5` + strings.Repeat("0", 128): "",
	} {
		e := classify.Decode(400, nil, []byte(`{"errors":[{"code":`+text+`,"message":"m"}]}`))
		require.Equal(t, []classify.Detail{{Code: want, Message: "m"}}, e.Details, text)
		require.Equal(t, want != "", e.Complete(), text)
	}
}

// A trace id is kept for long, and must not keep a header of megabytes in memory.
func TestTraceIDKeepsNothingElse(t *testing.T) {
	c, err := classify.Nexpay().WithShape(classify.Shape{TraceID: []string{"header:Request-Id"}})
	require.NoError(t, err)
	for _, value := range []string{"req_7 " + strings.Repeat("x", 1<<20), strings.Repeat("x", 1<<20)} {
		id := c.Decode(503, http.Header{"Request-Id": {value}}, nil).TraceID
		require.Equal(t, value[:len(id)], id)
		require.NotSame(t, unsafe.StringData(value), unsafe.StringData(id))
	}
}

func TestDecodeShapes(t *testing.T) {
	type details = []classify.Detail
	for body, want := range map[string]details{
		``: nil, ` `: nil, `null`: nil, `[]`: nil, `"errors"`: nil, `{`: nil, `{}`: nil, "\ufeff{}": nil,
		"\ufeff" + `{"errors":[{"code":50}]}`: {{Code: "50"}}, "\ufeff\ufeff" + `{"errors":[{"code":50}]}`: nil,
		`<html><body>{"errors":[{"code":50}]}</body></html>`: nil,
		`{"errors":null}`: nil,
		`{"errors":[]}`:   nil, `{"errors":[ ]}`: nil, `{"errors":{}}`: nil, `{"errors": {
} }`: nil,
		`{"errors":false}`: nil, `{"errors":0}`: nil, `{"errors":-0.0e7}`: nil, `{"errors":""}`: nil, `{"errors":" \t"}`: nil, `{"errors":"\u0020"}`: nil,
		`{"errors":true}`: {{}}, `{"errors":1}`: {{}}, `{"errors":0.1}`: {{}}, `{"errors":"0"}`: {{}}, `{"errors":{"a":null}}`: {{}},
		`{"errors":[null]}`: {{}}, `{"errors":[{}]}`: {{}}, `{"errors":[[]]}`: {{}},
		`{"errors":false,"errors":[{"code":50}]}`: {{Code: "50"}}, `{"errors":[{"code":50}],"errors":""}`: {{Code: "50"}},
		`{"errors":{`: nil, `{"errors":"`: nil, `{"errors":fals`: nil,
		`{"Errors":[{"code":50}],"ERRORS":[{"code":50}]}`:                           nil,
		`{"errors":[{"CODE":40,"code":50,"Code":40}]}`:                              {{Code: "50"}},
		`{"errors":[{"code":50,"CODE":40}]}`:                                        {{Code: "50"}},
		`{"errors":[{"code":50,"code":40}]}`:                                        {{}},
		`{"errors":[{"code":50,"\u0063ode":50}]}`:                                   {{}},
		`{"errors":[{"code\u0000":40,"cod":40,"codes":40,"\"code":40,"\u00zz":1}]}`: nil,
		`{"\u0065rrors":[{"\u0063\u006Fde":50}]}`:                                   {{Code: "50"}},
		`{"errors":[{"code":50}],"errors":[{"code":100}]}`:                          {{Code: "50"}, {Code: "100"}},
		`{"errors":{"code":50,"message":"m"}}`:                                      {{Code: "50", Message: "m"}},
		`{"errors":"boom"}`:                                                         {{}},
		`{"errors":[50,"x",null,{"code":7}]}`:                                       {{}, {}, {}, {Code: "7"}},
		`{"errors":[{"code":50,"message":{"a":[1]},"data":[]}]}`:                    {{Code: "50"}},
		`{"errors":[{"code":50,"message":"a","message":"b"}]}`:                      {{Code: "50", Message: "a"}},
		`{"errors":[{"code":-32600,"message":"m","data":"Unknown symbol BTCUSD","x":{"code":1}}],"code":9}`: {
			{Code: "-32600", Message: "m", Data: "Unknown symbol BTCUSD"}},

		// Cut: what was complete counts.
		`{"errors":[{"code":50},{"code":100`:    {{Code: "50"}},
		`{"errors":[{"code":50},{"code":100}`:   {{Code: "50"}, {Code: "100"}},
		`{"errors":[{"code":50,"message":"ab`:   nil,
		`{"errors":[{"code":50}]`:               {{Code: "50"}},
		`{"errors":[{"code":50},]}`:             {{Code: "50"}},
		`{"errors":[{"code":50} {"code":100}]}`: {{Code: "50"}},
		`{"errors":[{"code":050}]}`:             nil,
	} {
		require.Equal(t, want, classify.Decode(400, nil, []byte(body)).Details, body)
	}
}

func TestHalfAnAnswerProvesNothing(t *testing.T) {
	v := classify.Nexpay().Classify(classify.Decode(400, nil, []byte(`{"errors":[{"co`)))
	require.Equal(t, classify.Verdict{Class: classify.FixAndResend, Status: 400, Rule: "HTTP 400"}, v)
	v = classify.Nexpay().Classify(classify.Decode(400, nil, []byte(`<html>`)))
	require.Equal(t, classify.NotApplied, v.Effect, "no error answer is not half of one")
}

// What a better reader might find an error in is not the same as no error answer.
func TestAnUnreadAnswerProvesNothing(t *testing.T) {
	gzip := http.Header{"Content-Encoding": {"gzip"}}
	for _, tt := range []struct {
		header http.Header
		body   string
		unread bool
	}{
		{nil, "", false}, {nil, " \n", false}, {nil, "<html>", false}, {nil, "Bad Request", false}, {nil, "Ungültig", false}, {nil, "Über", false},
		{nil, `{}`, false}, {nil, "\ufeff{}", false}, {nil, "\ufeff<html>", false}, {nil, "\ufeff", false},
		{nil, `[{"code":-32603}]`, true}, {nil, ` [`, true}, {nil, "\ufeff[]", true}, {nil, `"{\"errors\":[{\"code\":-32603}]}"`, true},
		{nil, "\ufeff\ufeff{}", true}, {nil, "\x1f\x8b..", true}, {nil, "\xff\xfe{\x00", true}, {nil, "\xfe\xff\x00{", true}, {nil, "\x00{", true},
		{gzip, "", false}, {gzip, "x", true}, {gzip, `{}`, false}, {http.Header{"Content-Encoding": {"Identity"}}, "x", false},
		{http.Header{"Content-Encoding": {"br"}}, "x", true},
	} {
		for _, status := range []int{400, 403, 404} {
			want := classify.NotApplied
			if tt.unread {
				want = classify.Unknown
			}
			v := classify.Nexpay().Classify(classify.Decode(status, tt.header, []byte(tt.body)))
			require.Equal(t, want, v.Effect, "%d %q", status, tt.body)
			require.Equal(t, fmt.Sprintf("HTTP %d", status), v.Rule)
		}
	}
	v := classify.Nexpay().Classify(classify.Decode(403, nil, []byte("\ufeff"+`{"errors":[{"code":100}]}`)))
	require.True(t, v.Lockout)
	require.Equal(t, classify.NotApplied, v.Effect)
	require.True(t, classify.Decode(403, gzip, []byte(`{"errors":[{"code":100}]}`)).Complete(), "it was not compressed after all")
}

func TestDecodeTraceID(t *testing.T) {
	for body, want := range map[string]string{
		`{"traceId":"5f2c"}`: "5f2c", `{"traceId":17}`: "17", `{"traceId":-1.5e3}`: "-1.5e3",
		`{"traceId":null}`: "", `{"traceId":["x"]}`: "", `{"traceId":true}`: "", `{"traceid":"x"}`: "",
		`{"traceId":"a","traceId":"b"}`:                       "a",
		`{"traceId":"Root=1-5f2c:a.b_c/d+e=="}`:               "Root=1-5f2c:a.b_c/d+e==",
		`{"traceId":"\u0035f2c"}`:                             "5f2c",
		`{"errors":[{"code":50}],"traceId":"5f2c"`:            "5f2c",
		`{"traceId":` + strings.Repeat("1", 128) + `}`:        strings.Repeat("1", 128),
		`{"traceId":` + strings.Repeat("1", 129) + `}`:        strings.Repeat("1", 128),
		`{"traceId":"` + strings.Repeat("a", 129) + `"}`:      strings.Repeat("a", 128),
		`{"traceId":"` + strings.Repeat("a", 1<<15) + `"}`:    strings.Repeat("a", 128),
		`{"traceId":"` + strings.Repeat("é", 65) + `"}`:       strings.Repeat("é", 64),
		`{"traceId":"a` + strings.Repeat("é", 64) + `"}`:      "a" + strings.Repeat("é", 63),
		`{"traceId":"` + strings.Repeat(`\u0061`, 128) + `"}`: strings.Repeat("a", 128),
		`{"traceId":"` + strings.Repeat(`\u0061`, 129) + `"}`: strings.Repeat("a", 128),

		`{"traceId":"|38aae7dd-4ebae92ac80ddb5c."}`:      "|38aae7dd-4ebae92ac80ddb5c.",
		`{"traceId":"0HMVD9DNOR7I3:00000001|a@b#c~d*e"}`: "0HMVD9DNOR7I3:00000001|a@b#c~d*e",
		`{"traceId":"{5f2c},<1>;[2]!?$%&^_"}`:            "{5f2c},<1>;[2]!?$%&^_",
		`{"traceId":"株-17"}`:                             "株-17",
	} {
		require.Equal(t, want, classify.Decode(400, nil, []byte(body)).TraceID, body)
	}
}

// It stands in every line about the answer.
func TestTraceIDIsAPlainWord(t *testing.T) {
	for id, want := range map[string]string{
		"Jörg Müller": "Jörg", "a b": "a", `a\nb`: "a", `a\u2028b`: "a", `a\u202eb`: "a", `a\"b`: "a", `a\\b`: "a", "a'b": "a", "a`b": "a", "a\xff": "a",
		"f1) (1 send in 3ms, effect not applied": "f1", "f1; action: pay": "f1;", `\u001b[31mf1`: "[31mf1",
		"(5f2c)": "5f2c", ` \"5f2c\"`: "5f2c", `\ud800`: "", `\u0000`: "", "": "", " ()": "",
	} {
		e := classify.Decode(400, nil, []byte(`{"errors":[{"code":50}],"traceId":"`+id+`"}`))
		require.Equal(t, want, e.TraceID, id)
		require.True(t, e.Complete(), "that it has a trace id nobody can read does not make an answer half of one")
	}
}

func TestServerTextIsCleaned(t *testing.T) {
	for in, want := range map[string]string{
		"Überweisung für 株式会社 – 5 €":    "Überweisung für 株式会社 – 5 €",
		`a\nb\r\tc\u0000\u001b[31m`:     "abc[31m",
		"a\u202eb\u2066c\u200bd\ufeffe": "abcde",
		"a\u2028b\u0085c\u007f":         "abc",
		"a\xffb\xc3":                    "ab",
		`a\ud800b`:                      "ab",
		`\ud83d\ude00`:                  "😀",
		strings.Repeat("x", 255) + "é":  strings.Repeat("x", 255),
		strings.Repeat("x", 254) + "éz": strings.Repeat("x", 254) + "é",

		strings.Repeat(`\n`, 8000) + "a" + strings.Repeat("b", 400): "a" + strings.Repeat("b", 255),
		`x` + strings.Repeat(`\u00e9`, 3000) + "€":                  "x" + strings.Repeat("é", 127),
		strings.Repeat(`\n`, 8192) + strings.Repeat(`\u00e9`, 1000): "",
		strings.Repeat(`\"`, 9000):                                  strings.Repeat(`"`, 256),
	} {
		body := `{"errors":[{"code":1,"message":"` + in + `","data":"` + in + `"}]}`
		e := classify.Decode(400, nil, []byte(body))
		require.Equal(t, []classify.Detail{{Code: "1", Message: want, Data: want}}, e.Details, "%q", in)
	}
}

// hostile are answers that cost a careless reader many times their size.
func hostile() map[string]string {
	cut := func(head, part string) string { return (head + strings.Repeat(part, 1_000_000))[:64<<10] }
	return map[string]string{
		"errors":   cut(`{"errors":[`, `{},`),
		"objects":  cut(``, `{"a":`),
		"arrays":   cut(`{"errors":`, `[`),
		"keys":     cut(`{`, `"\n":1,`),
		"traces":   cut(`{`, `"traceId":"\n",`),
		"messages": cut(`{"errors":[{`, `"message":"\n","code":"5\u0030",`),
		"numbers":  cut(`{"a":[`, `1,`),
		"escapes":  cut(`{"errors":[{"code":50,"message":"`, `\n`)[:60000] + `"}]}`,
		"digits":   cut(`{"errors":[{"code":`, `1`)[:60000] + `}]}`,
		"exponent": `{"errors":[{"code":1e999999999}]}`,
		"text":     `{"errors":[` + strings.TrimSuffix(strings.Repeat(`{"code":50,"message":"\n`+strings.Repeat("x", 4000)+`"},`, 16), ",") + `]}`,
	}
}

func TestDecodeIsCheap(t *testing.T) {
	for name, body := range hostile() {
		t.Run(name, func(t *testing.T) {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := time.Now()
			e := classify.Decode(400, nil, []byte(body))
			took := time.Since(start)
			runtime.ReadMemStats(&after)
			require.Less(t, after.TotalAlloc-before.TotalAlloc, uint64(len(body)+256<<10), "bytes allocated")
			require.Less(t, took, time.Second, "far above the 5 ms it may take, so as not to fail on a busy machine")
			require.LessOrEqual(t, len(e.Details), 16)
		})
	}
}

// The same for the longer body of a 2xx.
func TestReadJSONIsCheap(t *testing.T) {
	fill := func(part string, tail string) string {
		head := `{"errors":[`
		return head + strings.Repeat(part, (4<<20-len(head+tail)-1)/len(part)) + tail
	}
	for name, body := range map[string]string{
		"skipped": fill(`{"message":"\n","data":"\n"},`, `{}]}`),
		"codes":   fill(`{"code":"z"},`, `{}]}`),
		"numbers": fill(`{"code":1e2},`, `{}]}`),
		"escapes": `{"errors":[{"message":"` + strings.Repeat(`\u00e9`, 690_000) + `"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			cost := func(body string) (bytes uint64, e *classify.Error) {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				err := classify.ReadJSON(response(200, body), nil)
				runtime.ReadMemStats(&after)
				require.ErrorAs(t, err, &e)
				return after.TotalAlloc - before.TotalAlloc, e
			}
			harmless := `{"errors":[{}]}`
			reading, _ := cost(harmless + strings.Repeat(" ", len(body)-len(harmless)))
			bytes, e := cost(body)
			require.Less(t, bytes, reading+1<<20, "bytes allocated")
			require.LessOrEqual(t, len(e.Details), 16)
		})
	}
}

func TestDecodeReads64KiB(t *testing.T) {
	body := `{"traceId":"x"` + strings.Repeat(" ", 64<<10) + `,"errors":[{"code":50}]}`
	e := classify.Decode(403, nil, []byte(body))
	require.Equal(t, "x", e.TraceID)
	require.Empty(t, e.Details)
	require.Equal(t, classify.Unknown, classify.Nexpay().Classify(e).Effect)
}

func FuzzDecode(f *testing.F) {
	for _, body := range hostile() {
		f.Add(400, []byte(body[:min(len(body), 300)]))
	}
	f.Add(403, []byte(`{"errors":[{"code":50,"message":"Nonce is not monotonous","data":null}],"traceId":"5f2c"}`))
	f.Add(200, []byte(`{"errors":[{"code":"50"},{"code":5e1},{"code":50.5},{"CODE":1}]}`))
	f.Add(500, []byte(`<html>`))
	f.Add(400, []byte(`{"a":[true,false,null,-0.1E+5,"\ud800\u00e9\/",{}]}`))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		e := classify.Decode(status, nil, body)
		require.Equal(t, e, classify.Decode(status, nil, body), "the same bytes, the same answer")
		require.Equal(t, status, e.Status)
		require.LessOrEqual(t, len(e.Details), 16)
		require.LessOrEqual(t, len(e.TraceID), 128)
		require.True(t, utf8.ValidString(e.TraceID))
		require.Negative(t, strings.IndexFunc(e.TraceID, func(r rune) bool {
			return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune("\"'`\\()", r)
		}))
		var texts []string
		for _, d := range e.Details {
			texts = append(texts, d.Message, d.Data)
		}
		for _, s := range texts {
			require.LessOrEqual(t, len(s), 256)
			require.True(t, utf8.ValidString(s))
			require.Negative(t, strings.IndexFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) }))
		}

		v := classify.Nexpay().Classify(e)
		if v.Effect == classify.NotApplied {
			require.True(t, status/100 == 4 && status != 408 && status != 425 && status != 429)
			require.True(t, len(e.Details) == 0 || e.Complete())
		}
		require.False(t, v.Lockout && v.Class != classify.Fatal)

		// encoding/json is the judge of what JSON is. It replaces invalid UTF-8, which is no concern here.
		if e.Complete() {
			body = bytes.TrimPrefix(body, []byte("\ufeff"))
			require.True(t, json.Valid(body))
			var std struct {
				Errors []map[string]json.RawMessage `json:"errors"`
			}
			require.NoError(t, json.Unmarshal(body, &std))
		}
	})
}

// What ReadJSON takes for JSON is what encoding/json does.
func FuzzReadJSON(f *testing.F) {
	for _, body := range []string{``, ` `, `{}`, `[1]`, `{"a":[true,false,null,-0.1E+5,"\ud800\u00e9\/",{}]}`, `{"a":01}`, `{"a":1}x`,
		`{"errors":[]}`, `{"errors":null}`, `{"errors":[{}]}`, `{"a":"` + "\x01" + `"}`, `{"a":"\x"}`, `{"a":"\u12"}`, `{"a":1.}`, `{"a":tru}`, `{"a":1,}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var v any
		err := classify.ReadJSON(response(200, string(body)), &v)
		body = bytes.TrimPrefix(body, []byte("\ufeff"))
		depth := strings.Count(string(body), "[") + strings.Count(string(body), "{")
		var e *classify.Error
		switch isError := errors.As(err, &e); {
		case isError:
			require.NotEmpty(t, e.Details)
			require.Contains(t, string(body), `"`)
		case depth < 64:
			var std any // Valid would let 1e999 pass, which fits no float64
			require.Equal(t, json.Unmarshal(body, &std) == nil, err == nil, "%v", err)
		case err == nil:
			require.True(t, json.Valid(body))
		}
		if err != nil {
			require.Equal(t, 200, classify.Nexpay().Classify(err).Status)
			require.Equal(t, classify.Unknown, classify.Nexpay().Classify(err).Effect)
		}
	})
}
