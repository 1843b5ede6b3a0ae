"""Customers that use the system while something happens to it: Locust, in a process of its own, from outside."""
