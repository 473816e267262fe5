/* SPDX-License-Identifier: MIT */
/* sources: drivers/uart.c drivers/fbcon.c drivers/font.c */
#include "test.h"
#include "drivers/fbcon.h"
#include "drivers/uart.h"
#include "hw/sim.h"

static uint8_t regs[8];
static char sent[4096];
static size_t sent_bytes;
static bool absent, stuck;
static int input = -1;
static uint16_t port_base = 0x3f8;

uint32_t sim_in(uint16_t port, unsigned bytes)
{
	EXPECT(port >= port_base && port <= port_base + 7 && bytes == 1);
	if (absent)
		return 0xff;
	if (port == port_base + 5)
		return (stuck ? 0 : 0x20) | (input >= 0 ? 1 : 0);
	if (port == port_base && input >= 0)
		return (uint32_t)input;
	return regs[port - port_base];
}

void sim_out(uint16_t port, unsigned bytes, uint32_t v)
{
	EXPECT(bytes == 1);
	if (port == port_base && !(regs[3] & 0x80))
		sent[sent_bytes++] = (char)v;
	regs[port - port_base] = (uint8_t)v;
}

TEST(no_uart)
{
	absent = true;
	EXPECT(!uart_init(1));
	uart_write("x", 1);
	EXPECT_EQ(uart_read(), -1);
	EXPECT_EQ(sent_bytes, 0);
	absent = false;
}

TEST(uart)
{
	EXPECT(uart_init(1));
	EXPECT_EQ(regs[3], 0x03);
	EXPECT_EQ(regs[4], 0x03);
	sent_bytes = 0;
	uart_write("a longer line than its FIFO\n", 28);
	EXPECT_EQ(sent_bytes, 29);
	EXPECT(!memcmp(sent, "a longer line than its FIFO\r\n", 29));
	EXPECT_EQ(uart_read(), -1);
	input = 'q';
	EXPECT_EQ(uart_read(), 'q');
	input = -1;
}

TEST(other_ports)
{
	EXPECT(!uart_init(0));
	EXPECT(!uart_init(5));
	sent_bytes = 0;
	uart_write("x", 1); /* nowhere, not to the last one */
	EXPECT_EQ(sent_bytes, 0);
	port_base = 0x2e8;
	EXPECT(uart_init(4));
	uart_write("x", 1);
	EXPECT_EQ(sent_bytes, 1);
	port_base = 0x3f8;
}

TEST(stuck_uart_is_given_up)
{
	EXPECT(uart_init(1));
	stuck = true;
	for (int i = 0; i < 10; i++)
		uart_write("0123456789abcdef", 16);
	sent_bytes = 0;
	stuck = false;
	uart_write("y", 1);
	EXPECT_EQ(sent_bytes, 0);
	EXPECT_EQ(uart_read(), -1);
}

/* 4 columns, 3 lines, and some pixels more. */
#define WIDTH  35
#define HEIGHT 50
#define PITCH  40
static uint32_t pixels[HEIGHT * PITCH];
static const struct boot_framebuffer *screen(void)
{
	static struct boot_framebuffer fb = {
		.width = WIDTH, .height = HEIGHT, .pitch_bytes = 4 * PITCH
	};

	fb.base = (uint64_t)pixels;
	return &fb;
}

static unsigned dots(unsigned column, unsigned line)
{
	unsigned n = 0;

	for (unsigned y = 0; y < 16; y++) {
		for (unsigned x = 0; x < 8; x++)
			n += pixels[(16 * line + y) * PITCH + 8 * column + x] == 0xffc0c0c0;
	}
	return n;
}

TEST(fbcon_cells)
{
	memset(pixels, 0x55, sizeof(pixels));
	EXPECT(fbcon_init(screen()));
	EXPECT_EQ(pixels[0], 0xff000000);
	EXPECT_EQ(pixels[WIDTH], 0x55555555); /* beside the picture */
	fbcon_write("I ", 2);
	EXPECT_EQ(dots(0, 0), 22); /* 3 + 5 + 3, two lines each */
	EXPECT_EQ(pixels[1 * PITCH + 2], 0xffc0c0c0);
	EXPECT_EQ(pixels[1 * PITCH + 1], 0xff000000);
	EXPECT_EQ(dots(1, 0), 0);
	fbcon_write("\x7f\r", 2); /* a character that the font hasn't: a question mark */
	EXPECT_EQ(dots(2, 0), 18);
}

TEST(fbcon_goes_on_at_the_top)
{
	EXPECT(fbcon_init(screen()));
	fbcon_write("HHHHH", 5); /* the fifth is on the next line */
	EXPECT_EQ(dots(3, 0), dots(0, 0));
	EXPECT_EQ(dots(0, 1), dots(0, 0));
	EXPECT_EQ(dots(1, 1), 0);
	fbcon_write("\nH\nI", 4);
	EXPECT_EQ(dots(0, 0), 22);
	EXPECT_EQ(dots(0, 1), 0); /* blank ahead of the newest */
	EXPECT_EQ(dots(0, 2), 34);
	/* Of the line ahead only that is written which had text. */
	pixels[32 * PITCH + 7] = pixels[32 * PITCH + 8] = 0x55555555;
	fbcon_write("\n", 1);
	EXPECT_EQ(dots(0, 2), 0);
	EXPECT_EQ(pixels[32 * PITCH + 7], 0xff000000);
	EXPECT_EQ(pixels[32 * PITCH + 8], 0x55555555);
}

TEST(fbcon_leaves_out_control_sequences)
{
	EXPECT(fbcon_init(screen()));
	fbcon_write("\x1b[1;32mI\x1b[0m\x1b=I", 15);
	EXPECT_EQ(dots(0, 0), 22);
	EXPECT_EQ(dots(1, 0), 22);
	EXPECT_EQ(dots(2, 0), 0);
	fbcon_write("\b\b\b", 3); /* rubbed out, and not beyond the first column */
	EXPECT_EQ(dots(0, 0) + dots(1, 0), 0);
	fbcon_write("H", 1);
	EXPECT_EQ(dots(0, 0), 34);
	fbcon_close();
	fbcon_write("H", 1);
	EXPECT_EQ(dots(1, 0), 0);
}

TEST(fbcon_refuses_nonsense)
{
	struct boot_framebuffer fb = *screen();

	fb.pitch_bytes = 4 * WIDTH - 1;
	EXPECT(!fbcon_init(&fb));
	memset(pixels, 0x55, sizeof(pixels));
	fbcon_write("x", 1);
	EXPECT_EQ(pixels[0], 0x55555555);
	fb = (struct boot_framebuffer){ 0 };
	EXPECT(!fbcon_init(&fb));
}
