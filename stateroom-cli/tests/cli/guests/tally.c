// A service that adds a line for each "add ID", with its place and a random number, and tells the sender. "from PLACE" is
// answered with the next 100 lines. `tally-0.4.4.rs` is the same in Rust.

#define _DEFAULT_SOURCE // for getentropy

#include "stateroom.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE = 80, LINES = 100 };

static char (*lines)[LINE];
static size_t line_count;
static size_t line_capacity;

static void add(uint32_t sender, const char *id) {
    if (line_count == line_capacity) {
        line_capacity = line_capacity > 0 ? 2 * line_capacity : 8;
        lines = realloc(lines, line_capacity * sizeof *lines);
        if (lines == NULL) stateroom_fail("out of memory");
    }
    uint64_t number;
    if (getentropy(&number, sizeof number) != 0) stateroom_fail("no random numbers");
    snprintf(lines[line_count], LINE, "%zu %s %016" PRIx64, line_count, id, number);
    stateroom_send_format(stateroom_only(sender), "%s", lines[line_count]);
    line_count++;
}

static void show(uint32_t sender, size_t place) {
    char text[LINES * LINE];
    size_t length = 0;
    for (size_t i = place; i < line_count && i - place < LINES; i++) {
        length += (size_t)snprintf(text + length, sizeof text - length, "%s%s", i > place ? "\n" : "", lines[i]);
    }
    stateroom_send_text(stateroom_only(sender), text, length);
}

void on_init(void) {}
void on_connect(uint32_t client) { (void)client; }
void on_disconnect(uint32_t client) { (void)client; }

void on_text(uint32_t sender, const char *text, size_t length) {
    char command[LINE] = "", id[LINE / 2] = "";
    char *copy = malloc(length + 1);
    if (copy == NULL) stateroom_fail("out of memory");
    memcpy(copy, text, length);
    copy[length] = '\0';
    // The rest of a message only makes it longer.
    int words = sscanf(copy, "%79s %39s", command, id);
    free(copy);
    if (words == 2 && strcmp(command, "add") == 0) add(sender, id);
    else if (words == 2 && strcmp(command, "from") == 0) show(sender, strtoul(id, NULL, 10));
    else stateroom_send_format(stateroom_only(sender), "add or from?");
}

void on_bytes(uint32_t sender, const uint8_t *bytes, size_t length) {
    on_text(sender, (const char *)bytes, length);
}

void on_timer(void) {}
