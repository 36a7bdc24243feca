package runfile

import (
	"fmt"
	"hash/crc32"
	"slices"
	"strconv"

	"zombiezen.com/go/sqlite"

	"github.com/bulkrunner/runner/internal/plan"
)

// Checksums find what SQLite, which has none on its pages, would read without
// a word: a flipped bit in an amount, or in the state of an item. Each is a
// CRC-32C over columns as text, each followed by a zero byte, with NULL as
// empty text. They are no seal: whoever edits a row can write its checksum
// too, and the plan's digest is what finds that.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// sumTexts carries a checksum on over further columns.
func sumTexts(sum uint32, texts ...string) uint32 {
	for _, text := range texts {
		sum = crc32.Update(sum, castagnoli, append([]byte(text), 0))
	}
	return sum
}

// sumNumbers carries a checksum on over numbers.
func sumNumbers(sum uint32, numbers ...int64) uint32 {
	for _, n := range numbers {
		sum = sumTexts(sum, strconv.FormatInt(n, 10))
	}
	return sum
}

// A summer makes the checksums of items; it keeps what need not be allocated
// for each.
type summer struct {
	buf []byte
}

func (m *summer) begin(id int64) { m.buf = append(strconv.AppendInt(m.buf[:0], id, 10), 0) }

func (m *summer) end() uint32 { return crc32.Checksum(m.buf, castagnoli) }

// columns carries a checksum on over columns of the current row, first and last
// included. It reports false for one of a type that was never written: SQLite
// finds nothing by a state that has become a BLOB.
func (m *summer) columns(s *sqlite.Stmt, first, last int) bool {
	for i := first; i <= last; i++ {
		switch s.ColumnType(i) {
		case sqlite.TypeNull:
		case sqlite.TypeInteger:
			m.buf = strconv.AppendInt(m.buf, s.ColumnInt64(i), 10)
		case sqlite.TypeText:
			from := len(m.buf)
			n := s.ColumnBytes(i, m.buf[from:cap(m.buf)])
			if from+n == cap(m.buf) { // which may be too little
				n = s.ColumnLen(i)
				m.buf = slices.Grow(m.buf, n+1)
				s.ColumnBytes(i, m.buf[from:from+n])
			}
			m.buf = m.buf[:from+n]
		default:
			return false
		}
		m.buf = append(m.buf, 0)
	}
	return true
}

// plan is the checksum of what the plan writes about an item, some of which the
// caller has as text.
func (m *summer) plan(it *plan.Item, state, updatedAt string) uint32 {
	m.begin(it.ID)
	b := m.buf
	b = append(strconv.AppendInt(b, it.Operation, 10), 0)
	b = append(append(b, state...), 0)
	b = append(append(b, it.Reason...), 0)
	b = append(append(b, updatedAt...), 0)
	b = append(append(b, it.Key...), 0)
	b = append(append(b, it.Source...), 0)
	b = append(strconv.AppendInt(b, it.Row, 10), 0)
	b = append(append(b, it.IdempotencyKey...), 0)
	b = append(append(b, it.Amount...), 0)
	b = append(append(b, it.Currency...), 0)
	b = append(append(b, it.Arguments...), 0)
	b = append(append(b, it.Fingerprint...), 0)
	b = append(append(b, it.Sealed...), 0)
	b = append(append(b, it.Context...), 0)
	m.buf = append(append(b, it.Live...), 0)
	return m.end()
}

// progress is the lower half of progress.sum; attempts is the upper. Every
// change of state writes all that is in it, so that none has to read the row
// first: what a change may leave alone, live and result, has a sum of its own.
func (m *summer) progress(id int64, state, deadline, notBefore, updatedAt, reason string, epoch int64) uint32 {
	m.begin(id)
	b := m.buf
	b = append(append(b, state...), 0)
	b = append(append(b, deadline...), 0)
	b = append(append(b, notBefore...), 0)
	b = append(append(b, updatedAt...), 0)
	b = append(append(b, reason...), 0)
	m.buf = append(strconv.AppendInt(b, epoch, 10), 0)
	return m.end()
}

// value is live_sum or result_sum.
func (m *summer) value(id int64, value []byte) uint32 {
	m.begin(id)
	m.buf = append(append(m.buf, value...), 0)
	return m.end()
}

const lowerHalf = 1<<32 - 1

// withAttempts puts the two halves of progress.sum together.
func withAttempts(sum uint32, attempts int64) int64 { return attempts<<32 | int64(sum) }

// sumRow is the checksum of columns from the first to before end, and tells
// whether that of all columns up to is, which holds it, is what is there. Where
// it isn't the row was changed.
func sumRow(s *sqlite.Stmt, end, is int) (first uint32, whole bool) {
	var m summer
	if !m.columns(s, 0, end-1) {
		return 0, false
	}
	first = m.end()
	return first, m.columns(s, end, is-1) && s.ColumnType(is) == sqlite.TypeInteger && int64(m.end()) == s.ColumnInt64(is)
}

// changed says that a row isn't as it was written.
func changed(table string, id int64) error {
	return fmt.Errorf("%w: row %d of %s is not as it was written", ErrCorrupt, id, table)
}
