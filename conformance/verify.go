// Verify reads a log that `scalegate ledger export` wrote, with nothing of scalegate: only Go's checksum database
// packages. It checks the signature on the checkpoint, and that every entry is in the tree that was signed.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run conformance/verify.go FOLDER VKEY
package main

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const width = 256

// folder reads tiles of height 8 by their names in C2SP tlog-tiles, which leave the height out.
type folder string

func (f folder) Height() int { return 8 }

func (f folder) SaveTiles([]tlog.Tile, [][]byte) {}

func (f folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	var read [][]byte
	for _, tile := range tiles {
		name := strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
		data, err := os.ReadFile(filepath.Join(string(f), name))
		if err != nil {
			return nil, err
		}
		read = append(read, data)
	}
	return read, nil
}

// entries returns those of one bundle: each has its length before it, in two bytes.
func (f folder) entries(number, size int64) [][]byte {
	tile := tlog.Tile{H: 8, L: -1, N: number, W: int(min(width, size-number*width))}
	name := strings.Replace(tile.Path(), "tile/8/data/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(string(f), name))
	check(err, name)
	var found [][]byte
	for len(data) > 0 {
		end := 2 + int(binary.BigEndian.Uint16(data))
		found = append(found, data[2:end])
		data = data[end:]
	}
	if len(found) != tile.W {
		log.Fatalf("%s: %d entries, not %d", name, len(found), tile.W)
	}
	return found
}

func min(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}

func check(err error, what string) {
	if err != nil {
		log.Fatalf("%s: %v", what, err)
	}
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 3 {
		log.Fatal("usage: verify FOLDER VKEY")
	}
	dir := folder(os.Args[1])
	key, err := note.NewVerifier(os.Args[2])
	check(err, "key")
	signed, err := os.ReadFile(filepath.Join(string(dir), "checkpoint"))
	check(err, "checkpoint")
	opened, err := note.Open(signed, note.VerifierList(key))
	check(err, "checkpoint")
	lines := strings.Split(opened.Text, "\n")
	size, err := strconv.ParseInt(lines[1], 10, 64)
	check(err, "size")
	root, err := base64.StdEncoding.DecodeString(lines[2])
	check(err, "root")
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	if lines[0] != key.Name() || len(root) != tlog.HashSize {
		log.Fatal("the checkpoint is of another log, or has no root")
	}
	reader := tlog.TileHashReader(tree, dir)
	for number := int64(0); number*width < size; number++ {
		for at, entry := range dir.entries(number, size) {
			index := number*width + int64(at)
			proof, err := tlog.ProveRecord(size, index, reader)
			check(err, fmt.Sprint("entry ", index))
			check(tlog.CheckRecord(proof, size, tree.Hash, index, tlog.RecordHash(entry)), fmt.Sprint("entry ", index))
		}
	}
	fmt.Printf("%s: %d entries are in the tree that was signed\n", lines[0], size)
}
