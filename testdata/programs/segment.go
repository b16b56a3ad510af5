// segment: one segment attached twice, by a program in Go, whose debugger is Delve.
package main

import (
	"os"
	"syscall"
	"time"
	"unsafe"
)

func main() {
	shmid, _, failed := syscall.Syscall(syscall.SYS_SHMGET, 0x5d0d0005, 12288, 01000|02000|0640)
	if failed != 0 {
		os.Exit(1)
	}
	base, _, _ := syscall.Syscall(syscall.SYS_SHMAT, shmid, 0, 0)
	syscall.Syscall(syscall.SYS_SHMAT, shmid, 0, 010000)
	bytes := (*[12288]byte)(unsafe.Pointer(base))
	copy(bytes[:], "\x01hello from go\x00")
	os.Stdout.WriteString("ready\n")
	time.Sleep(time.Hour)
}
