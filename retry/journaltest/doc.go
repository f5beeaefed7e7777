// Package journaltest tests an implementation of [retry.Journal] against its rules.
// For most uses, call [Run] from a test:
//
//	func TestJournal(t *testing.T) {
//		journaltest.Run(t, func(t *testing.T) journaltest.Store {
//			return journaltest.Store{Journal: open(t, t.TempDir())}
//		})
//	}
//
// [TestJournal] does the same without a *testing.T, and returns the violations as an
// error.
//
// [Adversary] tests code that uses a journal: it makes a correct journal fail in
// every way that the rules allow.
package journaltest
