/* SPDX-License-Identifier: MIT */
/* sources: vmm/guest/console.c vmm/console_mux.c vmm/base/lib.c */
/* Consoles of guests, and who gets what is typed. */
#include "test.h"
#include "base/log.h"
#include "console_mux.h"
#include "guest/console.h"

static struct guest_console c;
static char logged[8000];
static size_t logged_bytes;

void log_text(const char *text, size_t bytes)
{
	memcpy(logged + logged_bytes, text, bytes);
	logged_bytes += bytes;
	logged[logged_bytes] = 0;
}

static void fresh(void)
{
	memset(&c, 0, sizeof(c));
	logged_bytes = 0;
	logged[0] = 0;
}

static void say(const char *text)
{
	guest_console_write(&c, "n", text, strlen(text));
}

TEST(lines_have_the_name)
{
	fresh();
	say("he");
	EXPECT(!strcmp(logged, ""));
	say("llo\r\n\x1b[2J\tx\n");
	EXPECT(!strcmp(logged, "n: hello\nn: ?[2J\tx\n"));
}

TEST(the_selected_one_gets_everything_through)
{
	fresh();
	say("one\nlogin: ");
	guest_console_show(&c, "n", CONSOLE_RAW);
	/* The open line is shown as such, then what came lately, as it came. */
	EXPECT(!strcmp(logged, "n: one\nn: login: \none\nlogin: "));
	say("\x1b[1mx\r");
	EXPECT(!strcmp(logged + logged_bytes - 6, "\x1b[1mx\r"));
	size_t before = logged_bytes;

	guest_console_show(&c, "n", CONSOLE_RAW);
	EXPECT_EQ(logged_bytes, before);
	guest_console_show(&c, "n", CONSOLE_LINES);
	say("more\n");
	EXPECT(!strcmp(logged + before, "n: more\n"));
}

TEST(the_others_are_quiet_until_selected)
{
	fresh();
	guest_console_show(&c, "n", CONSOLE_QUIET);
	say("unseen\n");
	EXPECT_EQ(logged_bytes, 0);
	guest_console_show(&c, "n", CONSOLE_RAW);
	EXPECT(!strcmp(logged, "unseen\n"));
}

TEST(the_last_bytes_are_kept)
{
	fresh();
	guest_console_show(&c, "n", CONSOLE_QUIET);
	for (unsigned i = 0; i < CONSOLE_RECENT; i++)
		say(i == 0 ? "A" : i == 1 ? "B" : "-");
	say("Z");
	guest_console_show(&c, "n", CONSOLE_RAW);
	EXPECT_EQ(logged_bytes, CONSOLE_RECENT);
	EXPECT_EQ(logged[0], 'B');
	EXPECT_EQ(logged[CONSOLE_RECENT - 1], 'Z');
}

TEST(typed_bytes)
{
	fresh();
	EXPECT_EQ(guest_console_read(&c), -1);
	EXPECT(!guest_console_has_input(&c));
	EXPECT(guest_console_type(&c, 'a'));
	EXPECT(guest_console_type(&c, '\xff'));
	EXPECT(guest_console_has_input(&c));
	EXPECT_EQ(guest_console_read(&c), 'a');
	EXPECT_EQ(guest_console_read(&c), 0xff);
	EXPECT_EQ(guest_console_read(&c), -1);
	for (unsigned i = 0; i < CONSOLE_TYPED; i++)
		EXPECT(guest_console_type(&c, (char)i));
	EXPECT(!guest_console_type(&c, 'x'));
	EXPECT_EQ(guest_console_read(&c), 0);
	EXPECT(guest_console_type(&c, 'x'));
	for (unsigned i = 1; i < CONSOLE_TYPED; i++)
		EXPECT_EQ(guest_console_read(&c), i & 0xff);
	EXPECT_EQ(guest_console_read(&c), 'x');
	EXPECT_EQ(guest_console_read(&c), -1);
}

static struct console_mux m;

static enum mux_action escape(char byte)
{
	EXPECT_EQ(console_mux_input(&m, 2, MUX_ESCAPE), MUX_NOTHING);
	return console_mux_input(&m, 2, byte);
}

TEST(mux_selects)
{
	m = (struct console_mux){ 0 };
	EXPECT_EQ(console_mux_input(&m, 2, '1'), MUX_BYTE);
	EXPECT_EQ(m.selected, MUX_HOST);
	EXPECT_EQ(escape('1'), MUX_SELECTED);
	EXPECT_EQ(m.selected, 1);
	EXPECT_EQ(console_mux_input(&m, 2, 'h'), MUX_BYTE);
	EXPECT_EQ(escape('3'), MUX_NO_VM);
	EXPECT_EQ(m.selected, 1);
	EXPECT_EQ(escape('n'), MUX_SELECTED);
	EXPECT_EQ(m.selected, 2);
	EXPECT_EQ(escape('n'), MUX_SELECTED);
	EXPECT_EQ(m.selected, MUX_HOST);
	EXPECT_EQ(escape('p'), MUX_SELECTED);
	EXPECT_EQ(m.selected, 2);
	EXPECT_EQ(escape('p'), MUX_SELECTED);
	EXPECT_EQ(m.selected, 1);
	EXPECT_EQ(escape('h'), MUX_SELECTED);
	EXPECT_EQ(m.selected, MUX_HOST);
}

TEST(mux_escape_itself)
{
	m = (struct console_mux){ 0 };
	EXPECT_EQ(escape('?'), MUX_ASKED);
	EXPECT_EQ(escape('x'), MUX_NOTHING);
	EXPECT_EQ(escape(MUX_ESCAPE), MUX_BYTE); /* handed on */
	EXPECT_EQ(console_mux_input(&m, 2, '1'), MUX_BYTE);
	EXPECT_EQ(console_mux_input(&m, 0, MUX_ESCAPE), MUX_NOTHING);
	EXPECT_EQ(console_mux_input(&m, 0, 'n'), MUX_SELECTED);
	EXPECT_EQ(m.selected, MUX_HOST);
}
