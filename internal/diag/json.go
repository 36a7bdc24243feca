package diag

import (
	"encoding/json"

	"github.com/hashicorp/hcl/v2"
)

func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalJSON writes the shape that --json promises: fields are only added to
// it.
func (d Diagnostic) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Severity string     `json:"severity"`
		Summary  string     `json:"summary"`
		Detail   string     `json:"detail,omitempty"`
		In       string     `json:"in,omitempty"`
		Range    *jsonRange `json:"range,omitempty"`
		Row      *Row       `json:"row,omitempty"`
		Similar  int64      `json:"similar,omitempty"`
		Others   []Row      `json:"others,omitempty"`
		Command  string     `json:"command,omitempty"`
	}{d.Severity.String(), d.Summary, d.Detail, d.In, rangeOf(d.Subject), d.Row, d.Similar, d.Others, d.Command})
}

type jsonRange struct {
	File  string  `json:"file"`
	Start jsonPos `json:"start"`
	End   jsonPos `json:"end"`
}

// A jsonPos counts lines and columns from 1, and bytes from 0.
type jsonPos struct {
	Line   int `json:"line"`
	Column int `json:"column"`
	Byte   int `json:"byte"`
}

func rangeOf(r *hcl.Range) *jsonRange {
	if r == nil {
		return nil
	}
	return &jsonRange{
		File:  r.Filename,
		Start: jsonPos{r.Start.Line, r.Start.Column, r.Start.Byte},
		End:   jsonPos{r.End.Line, r.End.Column, r.End.Byte},
	}
}
