// Package noncetest tests a nonce source against the rules of [nonce.Source], such as one
// that several processes share:
//
//	func TestSource(t *testing.T) { noncetest.Run(t, newSource()) }
package noncetest
