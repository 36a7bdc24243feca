package plan

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// A Secret is a JSON object of arguments that no disk and no message may hold.
// However it is printed or encoded, it says that there is one, and not what.
type Secret []byte

const withheld = "(sensitive)"

func (s Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, withheld) }
func (s Secret) LogValue() slog.Value         { return slog.StringValue(withheld) }
func (s Secret) MarshalText() ([]byte, error) { return []byte(withheld), nil }

// Sent is an item's arguments as they are sent: those that are stored and
// those that are not, in one object.
func (it *Item) Sent() json.RawMessage { return Join(it.Arguments, it.Secret) }

// Join makes one JSON object of two that have no member in common. An object
// that is nil has none.
func Join(a, b []byte) []byte {
	const empty = len("{}")
	switch {
	case len(b) <= empty:
		return a
	case len(a) <= empty:
		return b
	}
	out := make([]byte, 0, len(a)+len(b))
	out = append(out, a[:len(a)-1]...)
	out = append(out, ',')
	return append(out, b[1:]...)
}
