package nexpaytest_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// accounts is the status as two public clients decode it.
type accounts struct {
	Accounts []struct {
		IBAN    string      `json:"iban"`
		Status  string      `json:"status"`
		Balance json.Number `json:"balance"`
	} `json:"accounts"`
}

// history is what a public client reads, and asks to be there.
type history struct {
	DebitTurnover, CreditTurnover, BalanceStart, BalanceEnd, ClientName, Account *string
	Entries                                                                      []struct{ ExternalPaymentID, Date, Amount, Status, PaymentID string }
}

func (c *caller) history(params ...string) (h history, err error) {
	c.t.Helper()
	err = c.call(c.t.Context(), "GET", paymentsHistory, form(params...), &h)
	return h, err
}

// ids are those of the entries.
func (h history) ids() []string {
	ids := []string{}
	for _, e := range h.Entries {
		ids = append(ids, e.ExternalPaymentID)
	}
	return ids
}

func TestAccountStatus(t *testing.T) {
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "k", Secret: "s", Account: "LT9"}}})
	c := inProcess(t, b, someKey.Credentials())
	status := func() (got accounts) {
		require.NoError(t, c.call(t.Context(), "GET", statusPath, nil, &got))
		return got
	}
	got := status()
	require.Len(t, got.Accounts, 1)
	require.Equal(t, "LT9", got.Accounts[0].IBAN)
	require.Equal(t, "ACTIVE", got.Accounts[0].Status)
	require.EqualValues(t, "1000000.00", got.Accounts[0].Balance)

	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "a", "0.10"), new(any)))
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "b", "0.20"), new(any)))
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "c", "0.003"), new(any)))
	require.NoError(t, c.call(t.Context(), "POST", paymentsPath, full, new(any)), "from another account")
	got = status()
	require.Len(t, got.Accounts, 2)
	require.EqualValues(t, "999999.697", got.Accounts[0].Balance)
	require.Equal(t, "LT1", got.Accounts[1].IBAN)
	require.EqualValues(t, "999990.00", got.Accounts[1].Balance)

	b.SetStatus("b", nexpay.Rejected, "no funds")
	require.EqualValues(t, "999999.897", status().Accounts[0].Balance, "a rejected payment costs nothing")
}

func TestHistory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := bank(t, nexpaytest.Config{})
		c := inProcess(t, b, someKey.Credentials())
		time.Sleep(time.Until(time.Date(2026, 3, 1, 23, 59, 59, 0, time.UTC)))
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "1st", "10"), new(any)))
		time.Sleep(time.Second)
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "2nd", "20.5"), new(any)))
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, full, new(any)), "from LT1")
		time.Sleep(24 * time.Hour)
		require.NoError(t, c.call(t.Context(), "POST", paymentsPath, order(t, "3rd", "30"), new(any)))

		for _, tt := range []struct {
			params            []string
			ids               []string
			debit, start, end string
		}{
			{nil, []string{"1st", "2nd", "3rd"}, "60.50", "1000000.00", "999939.50"},
			{[]string{"fromDate", "2026-03-02"}, []string{"2nd", "3rd"}, "50.50", "999990.00", "999939.50"},
			{[]string{"toDate", "2026-03-02"}, []string{"1st", "2nd"}, "30.50", "1000000.00", "999969.50"},
			{[]string{"fromDate", "2026-03-02", "toDate", "2026-03-02"}, []string{"2nd"}, "20.50", "999990.00", "999969.50"},
			{[]string{"fromDate", "2026-03-04", "toDate", "2026-03-05"}, []string{}, "0.00", "999939.50", "999939.50"},
			{[]string{"account", "LT1"}, []string{"inv-7"}, "10.00", "1000000.00", "999990.00"},
			{[]string{"fromDate", "2026-03-03", "account", "LT1"}, []string{}, "0.00", "999990.00", "999990.00"},
			{[]string{"account", "LT000000000000000000", "fromDate", ""}, []string{"1st", "2nd", "3rd"}, "60.50", "1000000.00", "999939.50"},
		} {
			got, err := c.history(tt.params...)
			require.NoError(t, err)
			require.Equal(t, tt.ids, got.ids(), tt.params)
			require.Equal(t, []string{tt.debit, "0.00", tt.start, tt.end}, []string{*got.DebitTurnover, *got.CreditTurnover, *got.BalanceStart, *got.BalanceEnd}, tt.params)
			require.NotEmpty(t, *got.ClientName)
			require.NotEmpty(t, *got.Account)
		}
		got, err := c.history("fromDate", "2026-03-02", "toDate", "2026-03-02")
		require.NoError(t, err)
		entry := got.Entries[0]
		require.Equal(t, []string{"2026-03-02", "20.5", "PENDING", "2"}, []string{entry.Date, entry.Amount, entry.Status, entry.PaymentID})
	})
}

func TestHistoryRefuses(t *testing.T) {
	c := inProcess(t, bank(t, nexpaytest.Config{}), someKey.Credentials())
	for _, params := range [][]string{
		{"fromDate", "1.3.2026"}, {"fromDate", "2026-3-1"}, {"fromDate", "2026-02-30"}, {"toDate", "today"},
		{"toDate", "2026-03-01", "fromDate", "2026-03-02"}, {"account", "LT2"}, {"account", "", "account", ""},
	} {
		_, err := c.history(params...)
		got, status := code(err)
		require.EqualValues(t, "30010", got, params)
		require.Equal(t, 400, status)
	}
}

// Details are the status and all that was sent. The bank has no batches.
func TestDetailsAndBatches(t *testing.T) {
	b, credentials := nexpaytest.NewKeyed()
	c := inProcess(t, b, credentials)
	require.NoError(t, c.pay(t.Context(), "order-17"))
	const details, batch = "/api/1/nexpay/payments", "/api/1/eurowallet/batch/status"
	for _, by := range []nexpay.Form{form("externalPaymentId", "order-17"), form("clientPaymentId", "1")} {
		var got map[string]string
		require.NoError(t, c.call(t.Context(), "GET", details, by, &got))
		require.Equal(t, map[string]string{
			"paymentId": "1", "status": "PENDING", "externalPaymentId": "order-17", "amount": "10", "requestTime": "1700000000000",
			"beneficiaryName": "Baltic Paper", "beneficiaryAccount": "LT693080010000000294", "beneficiaryReference": "invoice 17",
		}, got)
	}
	for _, tt := range []struct {
		path string
		form nexpay.Form
		code classify.Code
	}{
		{details, form("externalPaymentId", "order-18"), "30000"},
		{details, form("clientPaymentId", "2"), "30000"},
		{details, nil, "20000"},
		{details, form("clientPaymentId", "1", "externalPaymentId", "order-17"), "20010"},
		{batch, form("reference", "01024080333"), "30000"},
		{batch, nil, "200"},
		{"/api/1/eurowallet/batch/payments/statuses", form("reference", "01024080333"), "30000"},
	} {
		got, _ := code(c.call(t.Context(), "GET", tt.path, tt.form, new(any)))
		require.Equal(t, tt.code, got, tt.path)
	}
}
