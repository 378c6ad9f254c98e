// Plays a room by itself, natively: this is the host. It sends events as the guest interface writes them, and keeps a
// line of text for each effect.

#define _POSIX_C_SOURCE 200809L // for fork and waitpid

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

// What the guest exports, and what it imports
extern const uint32_t STATEROOM_API_VERSION;
extern const uint32_t STATEROOM_API_PROTOCOL;
void *stateroom_malloc(uint32_t length);
void stateroom_free(void *address, uint32_t length);
void stateroom_recv(const void *event, uint32_t length);
uint64_t stateroom_hello(const void *greeting, uint32_t length);
void stateroom_send(const void *effect, uint32_t length);

static int failures;

__attribute__((format(printf, 3, 4)))
static void check(bool good, int line, const char *format, ...) {
    if (good) return;
    failures++;
    va_list values;
    va_start(values, format);
    fprintf(stderr, "test.c:%d: ", line);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
}

static void *allocate(size_t length) {
    void *memory = malloc(length > 0 ? length : 1);
    if (memory == NULL) abort();
    return memory;
}

// Bytes, as they are made and read

struct bytes {
    uint8_t data[256];
    uint32_t length;
};

static void put(struct bytes *bytes, uint64_t number, size_t size) {
    if (bytes->length + size > sizeof bytes->data) abort();
    for (size_t i = 0; i < size; i++) bytes->data[bytes->length++] = (uint8_t)(number >> (8 * i));
}

static uint64_t number_at(const uint8_t *bytes, uint32_t length, uint32_t at, uint32_t size) {
    if (size > length || at > length - size) {
        check(false, __LINE__, "an effect of %" PRIu32 " bytes is too short", length);
        return 0;
    }
    uint64_t number = 0;
    for (uint32_t i = 0; i < size; i++) number |= (uint64_t)bytes[at + i] << (8 * i);
    return number;
}

// What the guest has asked for, and has not been looked at yet: one line for each, and how long the last one was.

static char *heard[64];
static size_t heard_count, heard_next;

static void hear(char *line) {
    if (heard_count == sizeof heard / sizeof *heard) abort();
    heard[heard_count++] = line;
}

void stateroom_send(const void *effect, uint32_t length) {
    const uint8_t *bytes = effect;
    uint32_t at = 0;
#define NEXT(size) (at += (size), number_at(bytes, length, at - (size), (size)))
    char *line = allocate((size_t)length + 100);
    uint64_t kind = NEXT(4);
    uint64_t list = 0;
    int head = 0;
    if (kind == 0) {
        static const char *const RECIPIENTS[] = {"all", "to", "not"};
        uint64_t recipient = NEXT(4);
        if (recipient > 2) abort();
        head = sprintf(line, "%s", RECIPIENTS[recipient]);
        if (recipient > 0) head += sprintf(line + head, " %" PRIu64, NEXT(4));
        head += sprintf(line + head, "%s", NEXT(4) == 1 ? ": " : " bytes: ");
        list = NEXT(8);
    } else if (kind == 1) {
        head = sprintf(line, "timer %" PRIu64, NEXT(4));
    } else if (kind == 2) {
        head = sprintf(line, "close %" PRIu64, NEXT(4));
        head += sprintf(line + head, " %" PRIu64 ": ", NEXT(2));
        list = NEXT(8);
    } else {
        check(false, __LINE__, "an effect of the kind %" PRIu64, kind);
    }
#undef NEXT
    check(list == length - at, __LINE__, "a list of %" PRIu64 " bytes where %" PRIu32 " are left", list, length - at);
    memcpy(line + head, bytes + at, length - at);
    line[(uint32_t)head + length - at] = '\0';
    hear(line);
}

// Expects the next effect to begin so, or to be so.
static void expect_line(int line, const char *expected, bool whole) {
    const char *is = heard_next < heard_count ? heard[heard_next++] : "nothing";
    bool good = whole ? strcmp(is, expected) == 0 : strncmp(is, expected, strlen(expected)) == 0;
    check(good, line, "expected \"%s\", heard \"%s\"", expected, is);
}
#define expect(expected) expect_line(__LINE__, expected, true)
#define expect_start(expected) expect_line(__LINE__, expected, false)

static void expect_no_more(int line) {
    while (heard_next < heard_count) check(false, line, "not expected: \"%s\"", heard[heard_next++]);
    for (size_t i = 0; i < heard_count; i++) free(heard[i]);
    heard_count = heard_next = 0;
}
#define expect_nothing() expect_no_more(__LINE__)

// Events. Each is in memory of exactly its length, so that reading beyond it is found by the sanitizer.

static void send_event(const void *event, uint32_t length) {
    void *memory = stateroom_malloc(length);
    if (memory == NULL) abort();
    memcpy(memory, event, length);
    stateroom_recv(memory, length);
    stateroom_free(memory, length);
}

static void event_of(uint32_t kind, size_t numbers, uint32_t client) {
    struct bytes event = {.length = 0};
    put(&event, kind, 4);
    if (numbers > 0) put(&event, client, 4);
    send_event(event.data, event.length);
}

static void init(void) { event_of(0, 0, 0); }
static void joins(uint32_t client) { event_of(1, 1, client); }
static void leaves(uint32_t client) { event_of(2, 1, client); }
static void time_comes(void) { event_of(4, 0, 0); }

static void message(uint32_t sender, uint32_t payload, const void *bytes, size_t length) {
    struct bytes head = {.length = 0};
    put(&head, 3, 4);
    put(&head, sender, 4);
    put(&head, payload, 4);
    put(&head, length, 8);
    uint8_t *event = allocate(head.length + length);
    memcpy(event, head.data, head.length);
    if (length > 0) memcpy(event + head.length, bytes, length);
    send_event(event, (uint32_t)(head.length + length));
    free(event);
}

static void says(uint32_t sender, const char *text) {
    message(sender, 1, text, strlen(text));
}

// Whether the room ends with it: a child process, in its place, aborts.
static bool ends_the_room(const void *event, uint32_t length, bool greeting) {
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stderr) == NULL) _exit(1);
        uint8_t *memory = allocate(length);
        memcpy(memory, event, length);
        if (greeting) stateroom_hello(memory, length);
        else stateroom_recv(memory, length);
        _exit(0);
    }
    int status = 0;
    if (child < 0 || waitpid(child, &status, 0) != child) abort();
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static struct bytes greeting(void) {
    struct bytes greeting = {.length = 0};
    put(&greeting, 4, 8);
    put(&greeting, 0x61702d61, 4); // "a-pa"
    put(&greeting, 6, 8); // more than the guest knows, as of the effects
    for (uint32_t event = 0; event < 6; event++) put(&greeting, event, 4);
    put(&greeting, 4, 8);
    for (uint32_t effect = 0; effect < 4; effect++) put(&greeting, effect, 4);
    put(&greeting, 0xfe, 1); // what a later version has to say; to be ignored
    return greeting;
}

// The tests, of one room after another

static void a_host_that_does_not_greet(void) {
    init();
    joins(7);
    expect("to 7: welcome, player 7");
    expect_start("to 7: say: name NAME");
    expect("not 7: player 7 is here");
    says(7, "bye");
    expect("to 7: bye; this server leaves the closing to you");
    expect_nothing();
    leaves(7);
    expect("not 7: player 7 has left");
    expect_nothing();
}

static void the_greeting(void) {
    struct bytes hello = greeting();
    for (uint32_t length = 0; length < hello.length - 1; length++) {
        check(ends_the_room(hello.data, length, true), __LINE__, "%" PRIu32 " bytes of a greeting are taken", length);
    }
    uint8_t *exact = allocate(hello.length);
    memcpy(exact, hello.data, hello.length);
    uint64_t answer = stateroom_hello(exact, hello.length);
    free(exact);
    uint32_t length = (uint32_t)answer;
    check(length == 8 + 5 * 4 + 8 + 3 * 4, __LINE__, "the answer to the greeting has %" PRIu32 " bytes", length);
    expect_nothing();
}

static void coming_and_going(void) {
    init();
    for (uint32_t client = 0; client < 20; client++) joins(client);
    check(heard_count == 60, __LINE__, "20 clients have heard %zu messages, not 60", heard_count);
    expect("to 0: welcome to room a-pa, player 0");
    heard_next = heard_count;
    expect_nothing();
    for (uint32_t client = 2; client < 20; client++) leaves(client);
    expect("not 2: player 2 has left");
    heard_next = heard_count;
    expect_nothing();
    leaves(2);
    says(2, "buzz");
    says(UINT32_MAX, "hello");
    expect_nothing(); // they are not here
}

static void names(void) {
    says(0, "name Ann");
    expect("all: player 0 is now Ann");
    says(1, "name Günther");
    expect("all: player 1 is now Günther");
    says(1, "name ");
    expect("to 1: a name is one line of 1 to 32 bytes");
    says(1, "name two\nlines");
    expect("to 1: a name is one line of 1 to 32 bytes");
    says(1, "name 012345678901234567890123456789012");
    expect("to 1: a name is one line of 1 to 32 bytes");
    says(1, "name 01234567890123456789012345678901");
    expect("all: Günther is now 01234567890123456789012345678901");
    says(1, "name %s%n");
    expect("all: 01234567890123456789012345678901 is now %s%n");
    says(1, "name Bob");
    expect("all: %s%n is now Bob");
    expect_nothing();
}

static void messages(void) {
    says(0, "hello");
    expect("not 0: Ann: hello");
    says(0, "");
    expect_start("to 0: say: name NAME");
    message(0, 0, NULL, 0);
    expect("not 0 bytes: ");
    message(0, 0, "\x01\xff", 2);
    expect("not 0 bytes: \x01\xff");
    message(0, 2, "?", 1); // a payload of a later version
    expect_nothing();

    size_t length = 1 << 20;
    char *large = allocate(length + 1);
    memset(large, 'x', length);
    large[length] = '\0';
    says(1, large);
    free(large);
    check(heard_count == 1 && strlen(heard[0]) == length + strlen("not 1: Bob: "), __LINE__, "a large text has changed");
    expect_start("not 1: Bob: xxx");
    expect_nothing();
}

static void a_round(void) {
    says(0, "buzz");
    expect("to 0: say start first");
    says(0, "start");
    expect("all: Ann starts a round: get ready");
    unsigned wait = 0;
    check(heard_count > 2 && sscanf(heard[2], "timer %u", &wait) == 1 && wait >= 1000 && wait <= 4000, __LINE__,
          "the timer is set to %u ms, not to 1000 to 4000", wait);
    expect_start("timer ");
    says(1, "start");
    expect("to 1: this round is not over");
    says(1, "buzz");
    expect("all: Bob was too early");
    time_comes();
    expect("all: GO!");
    expect("timer 5000");
    says(1, "buzz");
    expect("to 1: you are out of this round");
    says(0, "buzz");
    expect_start("all: Ann has it, after ");
    says(1, "scores");
    expect("to 1: 1 Ann");
    expect("to 1: 0 Bob");
    time_comes();
    expect_nothing(); // it was set for the round that is over
}

static void a_round_that_nobody_wins(void) {
    says(0, "start");
    expect_start("all: ");
    expect_start("timer ");
    time_comes();
    expect("all: GO!");
    expect("timer 5000");
    time_comes();
    expect("all: nobody has it");

    says(0, "start");
    expect_start("all: ");
    expect_start("timer ");
    says(0, "buzz");
    expect("all: Ann was too early");
    says(1, "buzz");
    expect("all: Bob was too early");
    time_comes();
    expect("all: nobody has it");
    expect_nothing();
}

static void closing(void) {
    says(1, "bye");
    expect("close 1 1000: bye");
    leaves(1);
    expect("not 1: Bob has left");
    expect_nothing();
}

static void what_is_not_as_it_should_be(void) {
    event_of(5, 1, 0); // an event that the guest has not named
    event_of(UINT32_MAX, 0, 0);
    expect_nothing();

    struct bytes event = {.length = 0};
    put(&event, 3, 4);
    put(&event, 0, 4);
    put(&event, 1, 4);
    put(&event, 2, 8);
    put(&event, 0x6968, 2); // "hi"
    put(&event, 0x21, 1); // behind the end
    send_event(event.data, event.length);
    expect("not 0: Ann: hi");
    for (uint32_t length = 0; length < event.length - 1; length++) {
        check(ends_the_room(event.data, length, false), __LINE__, "%" PRIu32 " bytes of an event are taken", length);
    }
    memset(event.data + 12, 0xff, 8); // a list that is longer than any memory
    check(ends_the_room(event.data, event.length, false), __LINE__, "an endless list is taken");
    expect_nothing();
}

int main(void) {
    check(STATEROOM_API_VERSION == 1 && STATEROOM_API_PROTOCOL == 0, __LINE__, "this is for version 1, protocol 0");
    a_host_that_does_not_greet();
    the_greeting();
    coming_and_going();
    names();
    messages();
    a_round();
    a_round_that_nobody_wins();
    closing();
    what_is_not_as_it_should_be();
    if (failures > 0) {
        fprintf(stderr, "%d failed\n", failures);
        return EXIT_FAILURE;
    }
    puts("all is well");
    return EXIT_SUCCESS;
}
