/* The origin: a small HTTP/1.1 server that costs little enough not to be what is measured.
 *
 *   GET /b/N  answers N bytes of the pattern (N <= 2^40)
 *   POST /u   reads the body, compares it with the pattern, answers "ok!" or "bad"
 */
#include "load.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 512
#define BACKLOG 4096
#define BODY_BYTES_MAX (1ull << 40)
#define VERDICT_BYTES 3

struct session {
    int fd;
    bool closes, is_bad, wants_write;
    char in[4096];
    unsigned in_length;
    char head[256];
    unsigned head_length, head_sent;
    uint64_t body, body_sent;
    uint64_t upload, upload_read;
};

static int poller;

static void watch_writes(struct session *s, bool wanted) {
    if (s->wants_write == wanted) return;
    s->wants_write = wanted;
    struct epoll_event event = {EPOLLIN | EPOLLRDHUP | (wanted ? EPOLLOUT : 0), {.ptr = s}};
    epoll_ctl(poller, EPOLL_CTL_MOD, s->fd, &event);
}

static bool is_answering(const struct session *s) { return s->head_sent < s->head_length || s->body_sent < s->body; }

/* Sends what the socket takes. False ends the session. */
static bool send_answer(struct session *s) {
    while (is_answering(s)) {
        uint64_t left = s->body - s->body_sent;
        struct iovec parts[2] = {{s->head + s->head_sent, s->head_length - s->head_sent},
                                 {pattern + s->body_sent % PATTERN_BYTES, left > PATTERN_BYTES ? PATTERN_BYTES : left}};
        bool head_is_out = parts[0].iov_len == 0;
        struct msghdr message = {.msg_iov = head_is_out ? parts + 1 : parts, .msg_iovlen = head_is_out || !left ? 1 : 2};
        ssize_t n = sendmsg(s->fd, &message, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno != EAGAIN) return false;
            watch_writes(s, true);
            return true;
        }
        size_t of_head = (size_t)n < parts[0].iov_len ? (size_t)n : parts[0].iov_len;
        s->head_sent += (unsigned)of_head;
        s->body_sent += (size_t)n - of_head;
    }
    watch_writes(s, false);
    return !(s->closes && s->head_length);
}

static void begin_answer(struct session *s, uint64_t length, const char *verdict) {
    s->head_length = (unsigned)snprintf(s->head, sizeof s->head,
                                        "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %" PRIu64
                                        "\r\nConnection: %s\r\n\r\n%s",
                                        length, s->closes ? "close" : "keep-alive", verdict ? verdict : "");
    s->head_sent = 0;
    s->body = verdict ? 0 : length;
    s->body_sent = 0;
}

static void take_upload(struct session *s, const char *bytes, size_t n) {
    if (memcmp(bytes, pattern + s->upload_read % PATTERN_BYTES, n)) s->is_bad = true;
    s->upload_read += n;
    if (s->upload_read < s->upload) return;
    begin_answer(s, VERDICT_BYTES, s->is_bad ? "bad" : "ok!");
    s->upload = s->upload_read = 0;
    s->is_bad = false;
}

/* Reads one request from the buffer. 1: one was read, 0: more bytes are needed, -1: the session ends. */
static int take_request(struct session *s) {
    char *end = strstr(s->in, "\r\n\r\n");
    if (!end) return s->in_length >= sizeof s->in - 1 ? -1 : 0;
    end += 4;
    char *path = strchr(s->in, ' ');
    if (!path) return -1;
    path++;
    const char *connection = header_value(s->in, "Connection");
    s->closes = connection && !strncasecmp(connection, "close", 5);
    unsigned used = (unsigned)(end - s->in);
    if (!strncmp(s->in, "POST", 4)) {
        const char *length = header_value(s->in, "Content-Length");
        if (!length || (s->upload = strtoull(length, NULL, 10)) == 0 || s->upload > BODY_BYTES_MAX) return -1;
        size_t early = s->in_length - used;
        if (early > s->upload) early = s->upload;
        take_upload(s, end, early);
        used += (unsigned)early;
    } else {
        uint64_t length = strncmp(path, "/b/", 3) ? 0 : strtoull(path + 3, NULL, 10);
        begin_answer(s, length > BODY_BYTES_MAX ? 0 : length, NULL);
    }
    memmove(s->in, s->in + used, s->in_length - used + 1);
    s->in_length -= used;
    return 1;
}

/* Reads until the socket is empty or an answer is under way: one request is answered at a time. */
static bool read_session(struct session *s) {
    for (;;) {
        if (is_answering(s)) {
            char byte;
            return recv(s->fd, &byte, 1, MSG_PEEK) != 0;
        }
        if (s->upload) {
            uint64_t left = s->upload - s->upload_read;
            ssize_t n = recv(s->fd, scratch, left > SCRATCH_BYTES ? SCRATCH_BYTES : left, 0);
            if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
            if (n < 0) return true;
            take_upload(s, scratch, (size_t)n);
        } else {
            int taken = s->in_length ? take_request(s) : 0;
            if (taken < 0) return false;
            if (!taken) {
                ssize_t n = recv(s->fd, s->in + s->in_length, sizeof s->in - 1 - s->in_length, 0);
                if (n == 0 || (n < 0 && errno != EAGAIN)) return false;
                if (n < 0) return true;
                s->in_length += (unsigned)n;
                s->in[s->in_length] = 0;
            }
        }
        if (is_answering(s) && !send_answer(s)) return false;
    }
}

static void accept_sessions(int listener) {
    int fd;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        no_delay(fd);
        struct session *s = calloc(1, sizeof *s);
        if (!s) die("the origin is out of memory");
        s->fd = fd;
        struct epoll_event event = {EPOLLIN | EPOLLRDHUP, {.ptr = s}};
        epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
    }
}

static bool serve_event(struct session *s, uint32_t events) {
    if (events & (EPOLLERR | EPOLLHUP)) return false;
    if ((events & EPOLLOUT) && !send_answer(s)) return false;
    return read_session(s);
}

static int open_listener(const char *text) {
    struct sockaddr_in address = loopback_address(text);
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) || listen(listener, BACKLOG)) die("%s: %s", text, strerror(errno));
    getsockname(listener, (struct sockaddr *)&address, &length);
    printf("{\"port\":%d}\n", ntohs(address.sin_port));
    fflush(stdout);
    return listener;
}

int run_origin(int argc, char **argv) {
    if (argc != 3 || strcmp(argv[1], "--listen")) die("load origin --listen 127.0.0.1:PORT");
    raise_descriptor_limit();
    end_with_parent();
    poller = epoll_create1(EPOLL_CLOEXEC);
    int listener = open_listener(argv[2]);
    struct epoll_event event = {EPOLLIN, {.ptr = NULL}}, events[EVENTS_PER_ROUND];
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        int n = epoll_wait(poller, events, EVENTS_PER_ROUND, -1);
        for (int i = 0; i < n; i++) {
            struct session *s = events[i].data.ptr;
            if (!s)
                accept_sessions(listener);
            else if (!serve_event(s, events[i].events)) {
                close(s->fd);
                free(s);
            }
        }
    }
}
