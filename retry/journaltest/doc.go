// Package journaltest holds an implementation of [retry.Journal] to its rules.
// For most uses, call [Run] from a test:
//
//	func TestJournal(t *testing.T) {
//		journaltest.Run(t, func(t *testing.T) journaltest.Store {
//			return journaltest.Store{Journal: open(t, t.TempDir())}
//		})
//	}
//
// [TestJournal] does the same where there is no *testing.T, and tells what it
// found in an error.
//
// [Adversary] goes the other way: it makes a journal that keeps the rules fail in
// every way that the rules allow, to test those who rely on one.
package journaltest
