package view

import (
	"bufio"
	"io"
	"strconv"
	"time"

	"github.com/bulkrunner/runner/internal/plan"
)

// jsonLines writes items as show --items --json does, one a line. It is
// written by hand because that is the larger part of what an export costs.
type jsonLines struct {
	w    *bufio.Writer
	line []byte
}

func newJSONLines(w io.Writer) *jsonLines { return &jsonLines{w: bufio.NewWriterSize(w, exportBuffer)} }

// exportBuffer is what is written at a time.
const exportBuffer = 256 << 10

func (j *jsonLines) item(op *plan.Operation, it *plan.Item) error {
	b := j.line[:0]
	text := func(name, value string, always bool) {
		if value == "" && !always {
			return
		}
		b = append(b, name...)
		b = quote(b, value)
	}
	text(`{"operation":`, op.Address, true)
	text(`,"key":`, it.Key, true)
	text(`,"source":`, it.Source, false)
	b = strconv.AppendInt(append(b, `,"row":`...), it.Row, 10)
	text(`,"state":`, it.State.String(), true)
	text(`,"reason":`, it.Reason, true)
	b = strconv.AppendInt(append(b, `,"attempts":`...), int64(it.Attempts), 10)
	text(`,"amount":`, it.Amount, false)
	text(`,"currency":`, it.Currency, false)
	text(`,"idempotency_key":`, it.IdempotencyKey, false)
	for _, part := range []struct {
		name  string
		value []byte
	}{{`,"arguments":`, it.Arguments}, {`,"live":`, it.Live}, {`,"result":`, it.Result}} {
		if len(part.value) > 0 {
			b = inertJSON(append(b, part.name...), part.value)
		}
	}
	b = append(b, `,"updated_at":"`...)
	b = it.UpdatedAt.UTC().AppendFormat(b, time.RFC3339Nano)
	j.line = append(b, '"', '}', '\n')
	_, err := j.w.Write(j.line)
	return err
}

func (j *jsonLines) close() error { return j.w.Flush() }
func (j *jsonLines) abandon()     {}
