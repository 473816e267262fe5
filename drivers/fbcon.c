/* SPDX-License-Identifier: MIT */
/*
 * Text in cells of 8 by 16: the font's dots, two lines high. A framebuffer is slow, to read and, as
 * uncached as firmware leaves it, to write. So nothing scrolls: after the last line it goes on at
 * the top, a blank line is kept ahead of the newest one, and of a line is cleared what it had.
 */
#include "fbcon.h"
#include "base/lib.h"
#include "font.h"
#include <hw/mem.h>
#include <hw/mmio.h>

#define CELL_WIDTH  8
#define CELL_HEIGHT 16
#define LINES       270 /* of a screen of 4320 pixels; below there it stays blank */

#define COLOUR_TEXT  0xffc0c0c0u /* grey: the same in RGB and BGR */
#define COLOUR_PAPER 0xff000000u

static struct boot_framebuffer screen; /* base 0: none */
static uint32_t columns, lines, column, line;
static uint32_t used[LINES]; /* columns of each line that are not blank, from the first on */

static void fill(uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
	for (uint32_t row = y; row < y + height; row++) {
		volatile uint8_t *p = phys_to_virt(
			PHYS(screen.base + (uint64_t)row * screen.pitch_bytes + 4ull * x));

		for (uint32_t i = 0; i < width; i++)
			mmio_write32(p + 4ull * i, COLOUR_PAPER);
	}
}

static void clear_line(uint32_t n)
{
	fill(0, n * CELL_HEIGHT, used[n] * CELL_WIDTH, CELL_HEIGHT);
	used[n] = 0;
}

bool fbcon_init(const struct boot_framebuffer *fb)
{
	screen = *fb;
	if (!fb->base || fb->pitch_bytes < 4ull * fb->width || fb->width < CELL_WIDTH ||
		fb->height < 2 * CELL_HEIGHT) {
		screen.base = 0;
		return false;
	}
	columns = fb->width / CELL_WIDTH;
	lines = fb->height / CELL_HEIGHT < LINES ? fb->height / CELL_HEIGHT : LINES;
	column = line = 0;
	memset(used, 0, sizeof(used));
	fill(0, 0, fb->width, fb->height);
	return true;
}

void fbcon_close(void)
{
	screen.base = 0;
}

static void draw(uint8_t c)
{
	const uint8_t *rows = font_rows[(c < FONT_FIRST || c > FONT_LAST ? '?' : c) - FONT_FIRST];
	uint64_t at = screen.base + (uint64_t)line * CELL_HEIGHT * screen.pitch_bytes +
		      4ull * column * CELL_WIDTH;

	/* One dot of margin left and above; the cell is blank already. */
	for (uint32_t row = 0; row < 2 * FONT_ROWS; row++) {
		volatile uint8_t *p =
			phys_to_virt(PHYS(at + (uint64_t)(row + 1) * screen.pitch_bytes + 4));

		for (uint32_t dot = 0; dot < FONT_COLUMNS; dot++) {
			if (rows[row / 2] >> (FONT_COLUMNS - 1 - dot) & 1)
				mmio_write32(p + 4 * dot, COLOUR_TEXT);
		}
	}
}

static uint32_t after(uint32_t n)
{
	return n + 1 == lines ? 0 : n + 1;
}

static void new_line(void)
{
	column = 0;
	line = after(line);
	clear_line(after(line));
}

/* A selected guest's colours and cursor movements: ESC, '[', parameters, and a byte of 40h to 7Eh
 * that ends it (ECMA-48, "Control sequences"); ESC and any other byte is a sequence too. True: the
 * byte belongs to one. */
static bool in_sequence(char c)
{
	static enum { TEXT, ESCAPE, PARAMETERS } state;

	switch (state) {
	case ESCAPE:
		state = c == '[' ? PARAMETERS : TEXT;
		return true;
	case PARAMETERS:
		if (c >= 0x40 && c <= 0x7e)
			state = TEXT;
		return true;
	default:
		state = c == 0x1b ? ESCAPE : TEXT;
		return state == ESCAPE;
	}
}

static void back(void)
{
	if (column == 0)
		return;
	column--;
	fill(column * CELL_WIDTH, line * CELL_HEIGHT, CELL_WIDTH, CELL_HEIGHT);
}

static void put(char c)
{
	if (in_sequence(c) || c == '\r')
		return;
	if (c == '\n') {
		new_line();
	} else if (c == '\b') {
		back();
	} else {
		if (column == columns)
			new_line();
		draw((uint8_t)c);
		column++;
		if (used[line] < column)
			used[line] = column;
	}
}

void fbcon_write(const char *text, size_t bytes)
{
	for (size_t i = 0; screen.base && i < bytes; i++)
		put(text[i]);
}
