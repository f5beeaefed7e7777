package nexpay_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// fullOrder has everything.
var fullOrder = nexpay.Order{
	RequestTime: time.UnixMilli(1700000000000), Account: "LT103080010000000095", Amount: "10.0",
	BeneficiaryName: "Some beneficiary name", BeneficiaryAddress: "123 Test St", BeneficiaryAccount: "LT693080010000000294",
	BeneficiaryReference: "Some reference text", UseGBXForFee: new(false), ExternalPaymentID: "API_T_1",
}

// The texts are what public clients sign.
func TestOrderOfTheFields(t *testing.T) {
	const head = "requestTime=1700000000000&account=LT103080010000000095&amount=10.0&beneficiaryName=Some beneficiary name" +
		"&beneficiaryAddress=123 Test St&beneficiaryAccount=LT693080010000000294&beneficiaryReference=Some reference text"
	for version, want := range []string{
		head + "&useGbxForFee=false&externalPaymentId=API_T_1",
		head + "&externalPaymentId=API_T_1&useGbxForFee=false",
		head + "&useGbxForFee=false&externalPaymentId=API_T_1",
	} {
		o := fullOrder
		o.Version = version
		form, err := o.Form()
		require.NoError(t, err)
		require.Equal(t, want, form.Text(), "version %d", version)
	}

	form, err := someOrder.Form()
	require.NoError(t, err)
	require.Equal(t, "requestTime=1700000000000&amount=10.50&beneficiaryName=Baltic Paper"+
		"&beneficiaryAccount=LT121000011101001000&beneficiaryReference=invoice 17", form.Text(), "what is empty is not sent")

	o := someOrder
	o.UseGBXForFee, o.RequestTime = new(true), time.Date(2026, 3, 2, 10, 0, 0, 123_999_999, time.FixedZone("EET", 2*60*60))
	form, err = o.Form()
	require.NoError(t, err)
	fee, _ := form.Get("useGbxForFee")
	when, _ := form.Get("requestTime")
	require.Equal(t, []string{"true", "1772438400123"}, []string{fee, when})
}

func TestOrderRefuses(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*nexpay.Order)
		want   []string
	}{
		{"nothing", func(o *nexpay.Order) { *o = nexpay.Order{} }, []string{
			"Order.RequestTime is missing", "Order.Amount is missing", "Order.BeneficiaryName is missing",
			"Order.BeneficiaryAccount is missing", "Order.BeneficiaryReference is missing",
		}},
		{"everything", func(o *nexpay.Order) {
			*o = nexpay.Order{
				RequestTime: time.UnixMilli(-1), Account: " zzz", Amount: "zzz", BeneficiaryName: "zzz\nzzz", BeneficiaryAddress: "zzz\x00",
				BeneficiaryAccount: "zzz\t", BeneficiaryReference: "zzz\xff", ExternalPaymentID: "zzz ", Version: 3,
			}
		}, []string{
			"Order.RequestTime is not a time after 1970", "Order.Account begins or ends", "Order.Amount is not euros above 0",
			"Order.BeneficiaryName has a line end", "Order.BeneficiaryAddress has", "Order.BeneficiaryAccount has", "Order.BeneficiaryReference has",
			"Order.ExternalPaymentID begins or ends", "Order.Version is neither 1 nor 2",
		}},
		{"a time of seconds taken for milliseconds", func(o *nexpay.Order) { o.RequestTime = time.Unix(1700000000000, 0) }, []string{"a time after 1970"}},
		{"a version below", func(o *nexpay.Order) { o.Version = -1 }, []string{"neither 1 nor 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := fullOrder
			tt.change(&o)
			form, err := o.Form()
			require.Nil(t, form)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.Len(t, strings.Split(err.Error(), "\n"), len(tt.want), "%v", err)
			require.NotContains(t, err.Error(), "zzz")
			require.Equal(t, notSent, classify.Nexpay().Classify(err))

			_, err = signer(t, nexpay.Credentials{Key: "k", Secret: "s"}).SignOrder(o)
			require.ErrorContains(t, err, tt.want[0])
			require.ErrorContains(t, err, "no PaymentSecret", "both at once")
		})
	}
	_, err := (*nexpay.Signer)(nil).SignOrder(fullOrder)
	require.ErrorContains(t, err, "NewSigner")
}

func TestAmounts(t *testing.T) {
	for amount, good := range map[string]bool{
		"1": true, "0.01": true, "0.1": true, "10.50": true, "999999999999999.99": true, "1000": true,
		"": false, "0": false, "0.00": false, "-1": false, "+1": false, "1.": false, ".5": false, "1,5": false, "1.005": false, "01": false,
		"1e3": false, "1 000": false, " 1": false, "1\n": false, "NaN": false, "0x10": false, "1_000": false, "١": false, "9999999999999999": false,
	} {
		o := someOrder
		o.Amount = amount
		_, err := o.Form()
		require.Equal(t, good, err == nil, "%q", amount)
	}
}

// Whatever an order holds, either it is refused here or the bank takes it, in
// either version, and keeps what was meant.
func TestEveryOrderIsTaken(t *testing.T) {
	bank, creds := nexpaytest.NewKeyed()
	c := ways["in process"](t, bank, creds)
	n := uint64(0)
	text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "a b", "&x=y", "100%", "+"}))
	rapid.Check(t, func(rt *rapid.T) {
		o := nexpay.Order{
			RequestTime: time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(rt, "time")), Amount: rapid.StringMatching(`[1-9][0-9]{0,5}(\.[0-9]{2})?`).Draw(rt, "amount"),
			Account: text.Draw(rt, "account"), BeneficiaryName: text.Draw(rt, "name"), BeneficiaryAddress: text.Draw(rt, "address"),
			BeneficiaryAccount: text.Draw(rt, "to"), BeneficiaryReference: text.Draw(rt, "reference"),
			ExternalPaymentID: text.Draw(rt, "id"), Version: rapid.IntRange(0, 2).Draw(rt, "version"),
		}
		if rapid.Bool().Draw(rt, "fee") {
			o.UseGBXForFee = new(rapid.Bool().Draw(rt, "in GBX"))
		}
		signed, err := c.Signer.SignOrder(o)
		if err != nil {
			return
		}
		path := creation2
		if o.Version == 1 {
			path = creation1
		}
		n++
		req, err := c.NewRequest(withNonce(t.Context(), n), "POST", path, signed)
		require.NoError(rt, err)
		require.NoError(rt, c.Do(req, new(any)))
		all := bank.Payments()
		got := all[len(all)-1]
		require.Equal(rt, o.ExternalPaymentID, got.ExternalID)
		require.Equal(rt, signed[:len(signed)-1], got.Fields)
		name, _ := got.Fields.Get("beneficiaryName")
		require.Equal(rt, o.BeneficiaryName, name)
	})
}
