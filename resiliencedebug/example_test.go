package resiliencedebug_test

import (
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// The page stands behind what guards the other internal pages of the program.
func Example() {
	b, err := breaker.New(breaker.Config{Name: "nexpay"})
	if err != nil {
		log.Fatal(err)
	}
	r, err := retry.New(retry.Config{Breaker: b})
	if err != nil {
		log.Fatal(err)
	}
	page, err := resiliencedebug.New(resiliencedebug.Config{
		Title:    "payouts eu-1",
		Retriers: map[string]*retry.Retrier{"nexpay": r},
		Actions:  &resiliencedebug.Actions{Who: user}, // leave it out, and the page only shows
	})
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle("/debug/resilience", requireLogin(page))

	b.Isolate("the bank is moving house")
	rec, req := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/debug/resilience?format=json", nil)
	req.SetBasicAuth("ada", "secret")
	mux.ServeHTTP(rec, req)
	fmt.Println(rec.Code, regexp.MustCompile(`"wrong":.*?\]`).FindString(rec.Body.String()))
	// Output:
	// 200 "wrong":[{"text":"1 breaker isolated by a person: nexpay","section":"breakers"}]
}

// requireLogin stands for the login of your program.
func requireLogin(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user(r) == "" {
			w.Header().Set("WWW-Authenticate", "Basic")
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// user returns the name of who is logged in.
func user(r *http.Request) string {
	name, password, _ := r.BasicAuth()
	if password != "secret" {
		return ""
	}
	return name
}
