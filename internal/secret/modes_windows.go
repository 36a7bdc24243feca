package secret

// others is empty: Windows keeps no such modes, and a folder of the user is theirs.
const others = 0
