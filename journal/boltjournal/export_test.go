package boltjournal

// Stall keeps commits from coming to an end, as a disk does that does not answer,
// until the function that it returns is called.
func (j *Journal) Stall() (free func(), err error) {
	tx, err := j.commits.db.Begin(true)
	if err != nil {
		return nil, err
	}
	return func() { _ = tx.Rollback() }, nil
}

// What a record is read and written with.
var (
	Decode = decode
	Encode = encode
)
