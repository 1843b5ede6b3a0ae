"""Generated requests: does what the services describe hold where customers come in?"""
