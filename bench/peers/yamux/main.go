// A yardstick: CONNECT proxied through one yamux session over TLS 1.3, as plainly as Go allows. No authentication of
// clients, no policy, no metering.
//
//	yamux server CERT KEY   prints {"port":N,"tunnelPort":N}; clients at the first, the device at the second
//	yamux device HOST:PORT  dials the server and opens what it asks for
//
// A stream begins with one length byte and the target's host:port; the device answers one byte, 1 for open.
package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/hashicorp/yamux"
)

const dialTimeout = 10 * time.Second

func muxConfig() *yamux.Config {
	config := yamux.DefaultConfig()
	config.LogOutput = io.Discard
	config.AcceptBacklog = 4096
	return config
}

type halfCloser interface{ CloseWrite() error }

// Copies one way and passes the end on; a yamux stream's Close is its half close.
func pump(to io.WriteCloser, from io.Reader) {
	io.Copy(to, from)
	if closer, ok := to.(halfCloser); ok {
		closer.CloseWrite()
		return
	}
	to.Close()
}

func join(a, b io.ReadWriteCloser) {
	var done sync.WaitGroup
	done.Add(2)
	go func() { defer done.Done(); pump(b, a) }()
	go func() { defer done.Done(); pump(a, b) }()
	done.Wait()
	a.Close()
	b.Close()
}

func serveClient(client net.Conn, device *yamux.Session) {
	reader := bufio.NewReaderSize(client, 4096)
	request, err := http.ReadRequest(reader)
	if err != nil || request.Method != http.MethodConnect || len(request.Host) > 255 {
		client.Close()
		return
	}
	stream, err := device.OpenStream()
	if err != nil {
		client.Close()
		return
	}
	var verdict [1]byte
	_, err = stream.Write(append([]byte{byte(len(request.Host))}, request.Host...))
	if err == nil {
		_, err = io.ReadFull(stream, verdict[:])
	}
	if err != nil || verdict[0] != 1 {
		io.WriteString(client, "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
		client.Close()
		stream.Close()
		return
	}
	io.WriteString(client, "HTTP/1.1 200 OK\r\n\r\n")
	// What came with the head, and then the connection itself: through the reader every piece would be as small as its buffer.
	early, _ := reader.Peek(reader.Buffered())
	if _, err := stream.Write(early); err != nil {
		client.Close()
		stream.Close()
		return
	}
	join(client, stream)
}

func serveStream(stream net.Conn) {
	var length [1]byte
	if _, err := io.ReadFull(stream, length[:]); err != nil {
		stream.Close()
		return
	}
	host := make([]byte, length[0])
	if _, err := io.ReadFull(stream, host); err != nil {
		stream.Close()
		return
	}
	target, err := net.DialTimeout("tcp", string(host), dialTimeout)
	if err != nil {
		stream.Write([]byte{0})
		stream.Close()
		return
	}
	stream.Write([]byte{1})
	join(stream, target)
}

func runServer(certFile, keyFile string) error {
	certificate, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return err
	}
	clients, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	tunnels, err := tls.Listen("tcp", "127.0.0.1:0", config)
	if err != nil {
		return err
	}
	port := func(l net.Listener) int { return l.Addr().(*net.TCPAddr).Port }
	fmt.Printf("{\"port\":%d,\"tunnelPort\":%d}\n", port(clients), port(tunnels))
	connection, err := tunnels.Accept()
	if err != nil {
		return err
	}
	device, err := yamux.Client(connection, muxConfig())
	if err != nil {
		return err
	}
	for {
		client, err := clients.Accept()
		if err != nil {
			return err
		}
		go serveClient(client, device)
	}
}

func runDevice(address string) error {
	// The server's certificate was made a second ago by the benchmark, on this machine; nobody could vouch for it.
	connection, err := tls.Dial("tcp", address, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS13})
	if err != nil {
		return err
	}
	session, err := yamux.Server(connection, muxConfig())
	if err != nil {
		return err
	}
	if _, err := session.Ping(); err != nil {
		return err
	}
	fmt.Println("{\"device\":true}")
	for {
		stream, err := session.AcceptStream()
		if err != nil {
			return err
		}
		go serveStream(stream)
	}
}

func main() {
	var err error
	switch {
	case len(os.Args) == 4 && os.Args[1] == "server":
		err = runServer(os.Args[2], os.Args[3])
	case len(os.Args) == 3 && os.Args[1] == "device":
		err = runDevice(os.Args[2])
	default:
		log.Fatal("yamux server CERT KEY | yamux device HOST:PORT")
	}
	log.Fatal(err)
}
