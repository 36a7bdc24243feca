package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
)

// A writeOnly is what may be seen by the API alone: a card's number, its codes.
// Printed, logged or encoded, alone or in a struct, it says that it is one.
// Only a conversion to string brings the value out, which [authorizeArgs.request]
// does.
type writeOnly string

const hidden = "(write-only)"

func (writeOnly) Format(f fmt.State, _ rune)   { _, _ = io.WriteString(f, hidden) }
func (writeOnly) String() string               { return hidden }
func (writeOnly) GoString() string             { return hidden }
func (writeOnly) LogValue() slog.Value         { return slog.StringValue(hidden) }
func (writeOnly) MarshalJSON() ([]byte, error) { return json.Marshal(hidden) }
