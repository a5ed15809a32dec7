//! Records without IO: batch views, values, converters and the connector traits. No socket, thread or clock.
