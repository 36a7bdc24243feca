package simulator

import "encoding/json"

// AppendMember writes a comma and a member that is a string. It is for answers
// whose members stand in a certain order and that cost little to write.
func AppendMember(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return AppendText(b, value)
}

// AppendText writes a string as JSON has it.
func AppendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			quoted, _ := json.Marshal(s) // a string always has a JSON form
			return append(b, quoted...)
		}
	}
	return append(append(append(b, '"'), s...), '"')
}
