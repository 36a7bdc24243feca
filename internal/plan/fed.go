package plan

import "encoding/json"

// Feeding is the ID of the item by which an item is fed, from its context; 0
// for an item of a list.
func Feeding(context json.RawMessage) int64 {
	var c struct {
		Of int64 `json:"of"`
	}
	if len(context) == 0 || json.Unmarshal(context, &c) != nil {
		return 0
	}
	return c.Of
}
