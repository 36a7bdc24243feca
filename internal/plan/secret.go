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
func (it *Item) Sent() json.RawMessage {
	const empty = len("{}")
	switch {
	case len(it.Secret) <= empty:
		return it.Arguments
	case len(it.Arguments) <= empty:
		return json.RawMessage(it.Secret)
	}
	b := make([]byte, 0, len(it.Arguments)+len(it.Secret))
	b = append(b, it.Arguments[:len(it.Arguments)-1]...)
	b = append(b, ',')
	return append(b, it.Secret[1:]...)
}
