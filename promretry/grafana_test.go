package promretry_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/VictoriaMetrics/metricsql"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/promretry"
)

// A query of the dashboard or of an alert, by what it is for.
type query struct{ title, expr string }

func dashboard(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("../grafana/resilience.json")
	require.NoError(t, err)
	var d struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
		Templating struct {
			List []struct {
				Type  string
				Query any
			}
		}
	}
	require.NoError(t, json.Unmarshal(text, &d))
	for _, p := range d.Panels {
		require.NotEmpty(t, p.Targets, p.Title)
		for _, target := range p.Targets {
			queries = append(queries, query{p.Title, target.Expr})
		}
	}
	for _, v := range d.Templating.List {
		if q, ok := v.Query.(map[string]any); ok {
			of := regexp.MustCompile(`^label_values\((\w+), (\w+)\)$`).FindStringSubmatch(q["query"].(string))
			queries = append(queries, query{"variable", "sum by (" + of[2] + ") (" + of[1] + ")"})
		}
	}
	return queries
}

func alerts(t *testing.T) (queries []query) {
	t.Helper()
	text, err := os.ReadFile("../grafana/alerts.yaml")
	require.NoError(t, err)
	var f struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Labels      struct{ Severity string }
			}
		}
	}
	require.NoError(t, yaml.Unmarshal(text, &f))
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			require.Contains(t, []string{"page", "ticket"}, r.Labels.Severity, r.Alert)
			queries = append(queries, query{r.Alert, r.Expr})
		}
	}
	return queries
}

// asked returns the metrics that a query asks for, and the labels that it names of each.
func asked(t *testing.T, q query) map[string][]string {
	t.Helper()
	variables := strings.NewReplacer("$__rate_interval", "5m", "$__range", "3h", "$operation", ".*")
	e, err := metricsql.Parse(variables.Replace(q.expr))
	require.NoError(t, err, q.title)
	found := map[string][]string{}
	metricsql.VisitAll(e, func(e metricsql.Expr) {
		if m, ok := e.(*metricsql.MetricExpr); ok {
			for _, filters := range m.LabelFilterss {
				require.Equal(t, "__name__", filters[0].Label, q.title)
				for _, f := range filters {
					found[filters[0].Value] = append(found[filters[0].Value], f.Label)
				}
			}
		}
	})
	metricsql.VisitAll(e, func(e metricsql.Expr) {
		if a, ok := e.(*metricsql.AggrFuncExpr); ok {
			metricsql.VisitAll(a, func(inner metricsql.Expr) {
				if m, ok := inner.(*metricsql.MetricExpr); ok {
					name := m.LabelFilterss[0][0].Value
					found[name] = append(found[name], a.Modifier.Args...)
				}
			})
		}
	})
	return found
}

// unanswered returns what queries ask for and a scrape has not.
func unanswered(t *testing.T, page string, queries []query) (missing []string) {
	t.Helper()
	for _, q := range queries {
		for metric, labels := range asked(t, q) {
			for _, l := range labels {
				label := regexp.MustCompile(`(?m)^` + metric + `\{[^}]*\b` + l + `=`)
				if l == "__name__" || l == "job" {
					label = regexp.MustCompile(`(?m)^` + metric + `[{ ]`)
				}
				if !label.MatchString(page) {
					missing = append(missing, q.title+": "+metric+" "+l)
				}
			}
		}
	}
	return missing
}

// What the dashboard and the alerts ask for is in a real scrape.
func TestQueriesAreAnswered(t *testing.T) {
	m, registry := newMetrics(t, promretry.Config{})
	metricstest.Scene(t, m)
	page := scrape(t, registry)
	panels := dashboard(t)
	require.Greater(t, len(panels), 20)
	require.Empty(t, unanswered(t, page, panels))
	rules := alerts(t)
	require.Greater(t, len(rules), 7)
	require.Empty(t, unanswered(t, page, rules))

	require.Len(t, unanswered(t, page, []query{
		{"a", "sum by (nobody) (resilience_budget_tokens)"}, {"b", "rate(resilience_resends[5m])"},
		{"c", `resilience_breaker_state{status="open"}`}, {"d", "max by (job) (resilience_budget_tokens)"},
	}), 3)
	for _, want := range []string{"resilience_payments_undecided_total", "resilience_payments_in_doubt", "resilience_lockout_locked"} {
		require.True(t, slices.ContainsFunc(panels, func(q query) bool { return strings.Contains(q.expr, want) }), want)
	}
}

// Prometheus's own tool takes the rules, and each fires when it should and not before.
func TestAlertsFire(t *testing.T) {
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		fmt.Println("the tests of the alerting rules were skipped, as promtool is not here: apt-get install prometheus")
		t.Skip("no promtool")
	}
	for _, args := range [][]string{{"check", "rules", "../grafana/alerts.yaml"}, {"test", "rules", "../grafana/alerts_test.yaml"}} {
		out, err := exec.Command(promtool, args...).CombinedOutput()
		require.NoError(t, err, string(out))
	}
}
