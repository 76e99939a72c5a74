"""The families of methods: what they are as data, and who makes their steps."""
