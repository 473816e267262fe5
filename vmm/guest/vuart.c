// SPDX-License-Identifier: MIT
/* National Semiconductor PC16550D, "Registers". */
#include "guest/vuart.h"
#include "exit_io.h"
#include "guest/console.h"
#include "guest/platform.h"
#include "vm.h"

enum uart_reg { DATA = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCRATCH = 7 };

#define IER_RECEIVED    0x01
#define IER_TRANSMITTED 0x02
#define IER_WRITABLE    0x0f
#define IIR_NONE        0x01
#define IIR_TRANSMITTED 0x02
#define IIR_RECEIVED    0x04
#define IIR_FIFO        0xc0
#define FCR_ENABLE      0x01
#define FCR_CLEAR       0x02
#define LCR_DIVISOR     0x80
#define MCR_OUT2        0x08 /* on a PC: lets the interrupt out */
#define MCR_LOOP        0x10
#define MCR_WRITABLE    0x1f
#define LSR_RECEIVED    0x01
#define LSR_OVERRUN     0x02
#define LSR_EMPTY       0x60
#define MSR_CONNECTED   0xb0 /* carrier, data set ready, clear to send */

void vuart_reset(struct vuart *u)
{
	u->ier = u->fcr = u->lcr = u->mcr = u->scratch = 0;
	u->divisor[0] = u->divisor[1] = 0;
	u->transmitted = u->overrun = false;
	u->first = u->count = 0;
}

static uint8_t pending(const struct vuart *u)
{
	if (u->count && (u->ier & IER_RECEIVED))
		return IIR_RECEIVED;
	if (u->transmitted && (u->ier & IER_TRANSMITTED))
		return IIR_TRANSMITTED;
	return IIR_NONE;
}

/* The pin is that of an edge-triggered interrupt, so it has to fall before it can interrupt again.
 */
static void update_pin(struct cpu *here, struct vm *vm)
{
	const struct vuart *u = &vm->uart;

	if (pending(u) != IIR_NONE && (u->mcr & MCR_OUT2) && !(u->mcr & MCR_LOOP))
		vioapic_raise(here, vm, PLATFORM_COM1_IRQ);
	else
		vioapic_lower(vm, PLATFORM_COM1_IRQ);
}

static bool push(struct vuart *u, uint8_t byte)
{
	if (u->count == VUART_FIFO) {
		u->overrun = true;
		return false;
	}
	u->fifo[(u->first + u->count++) % VUART_FIFO] = byte;
	return true;
}

static uint8_t pop(struct vuart *u)
{
	if (!u->count)
		return 0;
	uint8_t byte = u->fifo[u->first];

	u->first = (u->first + 1) % VUART_FIFO;
	u->count--;
	return byte;
}

static uint8_t line_status(struct vuart *u)
{
	uint8_t status = LSR_EMPTY | (u->count ? LSR_RECEIVED : 0) | (u->overrun ? LSR_OVERRUN : 0);

	u->overrun = false;
	return status;
}

/* In loop-back the outputs of MCR come back as MSR's inputs, which is how drivers find the chip. */
static uint8_t modem_status(const struct vuart *u)
{
	uint8_t m = u->mcr;

	if (!(m & MCR_LOOP))
		return MSR_CONNECTED;
	return (uint8_t)((m & 1) << 5 | (m & 2) << 3 | (m & 4) << 4 | (m & 8) << 4);
}

static uint8_t read_register(struct vuart *u, unsigned reg)
{
	uint8_t id;

	switch (reg) {
	case DATA:
		return u->lcr & LCR_DIVISOR ? u->divisor[0] : pop(u);
	case IER:
		return u->lcr & LCR_DIVISOR ? u->divisor[1] : u->ier;
	case IIR_FCR:
		id = pending(u);
		if (id == IIR_TRANSMITTED)
			u->transmitted = false;
		return id | (u->fcr & FCR_ENABLE ? IIR_FIFO : 0);
	case LCR:
		return u->lcr;
	case MCR:
		return u->mcr;
	case LSR:
		return line_status(u);
	case MSR:
		return modem_status(u);
	default:
		return u->scratch;
	}
}

static void transmit(struct vm *vm, uint8_t byte)
{
	struct vuart *u = &vm->uart;
	char c = (char)byte;

	u->transmitted = true;
	if (u->mcr & MCR_LOOP)
		push(u, byte);
	else
		guest_console_write(&vm->console, vm->config->name, &c, 1);
}

static void write_ier(struct vuart *u, uint8_t value)
{
	/* Turning it on while the transmitter is empty reports that at once. */
	if (value & ~u->ier & IER_TRANSMITTED)
		u->transmitted = true;
	u->ier = value & IER_WRITABLE;
}

static void write_register(struct vm *vm, unsigned reg, uint8_t value)
{
	struct vuart *u = &vm->uart;

	switch (reg) {
	case DATA:
		if (u->lcr & LCR_DIVISOR)
			u->divisor[0] = value;
		else
			transmit(vm, value);
		break;
	case IER:
		if (u->lcr & LCR_DIVISOR)
			u->divisor[1] = value;
		else
			write_ier(u, value);
		break;
	case IIR_FCR:
		u->fcr = value;
		if (value & FCR_CLEAR)
			u->count = 0;
		break;
	case LCR:
		u->lcr = value;
		break;
	case MCR:
		u->mcr = value & MCR_WRITABLE;
		break;
	case SCRATCH:
		u->scratch = value;
		break;
	}
}

/* Wider accesses than a byte reach the first register only: nothing does that. */
void vuart_access(struct cpu *here, struct vm *vm, struct port_access *a)
{
	struct vuart *u = &vm->uart;
	unsigned reg = a->port - PLATFORM_COM1;

	spin_lock(&u->lock);
	if (a->in)
		a->value = read_register(u, reg);
	else
		write_register(vm, reg, (uint8_t)a->value);
	/* Nothing that polls pays for it. */
	if (reg != LSR)
		update_pin(here, vm);
	spin_unlock(&u->lock);
}

bool vuart_receive(struct cpu *here, struct vm *vm, char byte)
{
	spin_lock(&vm->uart.lock);
	bool taken = push(&vm->uart, (uint8_t)byte);

	update_pin(here, vm);
	spin_unlock(&vm->uart.lock);
	return taken;
}
